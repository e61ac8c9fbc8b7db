import type { Clock } from '../clock.ts';
import { LearnedRoute, pathAlone, type SeenRoute, shapeOf } from './learned-route.ts';

/** What {@link LearnedRoutes} goes by. */
export interface LearnedRoutesSetup {
  readonly clock: Pick<Clock, 'now'>;
  readonly maxRoutes: number;
  /** A route's partition is forgotten when it was not seen to commit there for so long. */
  readonly maxAgeMs: number;
}

/**
 * Which routes commit to which partitions, as it was seen. At most `maxRoutes` are remembered: beyond them what is known by
 * its path alone is forgotten before any route is, and of each the one that has not committed for longest.
 */
export class LearnedRoutes {
  readonly #setup: LearnedRoutesSetup;
  /** In the order of their last commit. */
  readonly #routes = new Set<LearnedRoute>();
  /** The same, of what callers chose the names of. */
  readonly #paths = new Set<LearnedRoute>();
  readonly #byIdentity = new WeakMap<object, Map<string, LearnedRoute>>();
  /** By method and the words that all paths of a route begin with, so that a look passes by few. */
  readonly #shelves = new Map<string, Map<string, LearnedRoute[]>>();
  /** The most slashes among those words. */
  #deepest = 0;

  constructor(setup: LearnedRoutesSetup) {
    this.#setup = setup;
  }

  /** A request on a route that is known committed there. False where the route is not known. */
  again(method: string, identity: object, partition: string): boolean {
    const route = this.of(method, identity);
    if (route === undefined) return false;
    this.#note(route, partition);
    return true;
  }

  /** A request committed there that came with `path`; undefined where nothing is known of its route. */
  learn(method: string, seen: SeenRoute | undefined, path: string, partition: string): void {
    const shape = seen === undefined ? pathAlone(path) : shapeOf(seen, path);
    const known = seen === undefined ? this.#atPath(method, shape.start) : this.of(method, seen.identity);
    this.#note(known ?? this.#add(new LearnedRoute(method, shape)), partition);
  }

  /** What a request will probably be handled by, as far as that was seen to commit. */
  find(method: string, path: string): LearnedRoute | undefined {
    const shelves = this.#shelves.get(method);
    if (shelves === undefined) return undefined;
    const spelled = path.toLowerCase();
    for (let end = endOf(spelled, this.#deepest); end >= 0; end = spelled.lastIndexOf('/', end - 1)) {
      const shelf = shelves.get(spelled.slice(0, end));
      if (shelf !== undefined) for (const route of shelf) if (route.shape.matches(path)) return route;
      if (end === 0) break;
    }
    return undefined;
  }

  /** What is known of a route of the application's. */
  of(method: string, identity: object): LearnedRoute | undefined {
    return this.#byIdentity.get(identity)?.get(method);
  }

  /** The partitions that requests on that route were seen to commit to, and not too long ago. */
  partitionsOf(route: LearnedRoute): readonly string[] {
    const partitions = route.partitions(this.#setup.clock.now() - this.#setup.maxAgeMs);
    if (partitions.length === 0) this.#forget(route);
    return partitions;
  }

  /** It is held back, and can't commit: meanwhile it does not age. */
  hold(route: LearnedRoute): void {
    route.hold(this.#setup.clock.now());
    this.#putLast(route);
  }

  /** What is known, the longest quiet first. */
  *list(): IterableIterator<{
    readonly route: string;
    readonly partitions: readonly { readonly partition: string; readonly quietMs: number }[];
  }> {
    const now = this.#setup.clock.now();
    for (const route of [...this.#paths, ...this.#routes]) {
      if (this.partitionsOf(route).length === 0) continue;
      const partitions = [...route.commits()].map(([partition, at]) => ({ partition, quietMs: now - at }));
      yield { route: `${route.method} ${route.shape.pattern}`, partitions };
    }
  }

  #note(route: LearnedRoute, partition: string): void {
    const now = this.#setup.clock.now();
    route.note(partition, now);
    this.#putLast(route);
    this.#forgetOld(now - this.#setup.maxAgeMs);
  }

  #putLast(route: LearnedRoute): void {
    const order = this.#orderOf(route);
    order.delete(route);
    order.add(route);
  }

  #orderOf({ shape }: LearnedRoute): Set<LearnedRoute> {
    return shape.identity === undefined ? this.#paths : this.#routes;
  }

  #atPath(method: string, start: string): LearnedRoute | undefined {
    const shelf = this.#shelves.get(method)?.get(start);
    return shelf?.find(({ shape }) => shape.identity === undefined);
  }

  #add(route: LearnedRoute): LearnedRoute {
    const { method, shape } = route;
    const { start, identity } = shape;
    const shelves = this.#shelves.get(method) ?? new Map<string, LearnedRoute[]>();
    this.#shelves.set(method, shelves);
    shelves.set(start, [...(shelves.get(start) ?? []), route]);
    this.#deepest = Math.max(this.#deepest, slashesIn(start));
    if (identity !== undefined) {
      const methods = this.#byIdentity.get(identity) ?? new Map<string, LearnedRoute>();
      this.#byIdentity.set(identity, methods.set(method, route));
    }
    this.#orderOf(route).add(route);
    if (this.#routes.size + this.#paths.size > this.#setup.maxRoutes) this.#forgetOne(route);
    return route;
  }

  #forgetOne(newest: LearnedRoute): void {
    for (const order of [this.#paths, this.#routes]) {
      for (const route of order) {
        if (route === newest) continue;
        this.#forget(route);
        return;
      }
    }
  }

  #forgetOld(before: number): void {
    for (const order of [this.#paths, this.#routes]) {
      for (const route of order) {
        if (route.partitions(before).length > 0) break;
        this.#forget(route);
      }
    }
  }

  #forget(route: LearnedRoute): void {
    const { method, shape } = route;
    this.#orderOf(route).delete(route);
    if (shape.identity !== undefined) this.#byIdentity.get(shape.identity)?.delete(method);
    const shelves = this.#shelves.get(method);
    const left = shelves?.get(shape.start)?.filter((other) => other !== route) ?? [];
    if (left.length > 0) shelves?.set(shape.start, left);
    else shelves?.delete(shape.start);
  }
}

/** Where a path ends, without a slash at its end; or where the slash stands that is one too many. */
function endOf(path: string, mostSlashes: number): number {
  let slashes = 0;
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    if (slashes === mostSlashes) return at;
    slashes++;
  }
  return path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length;
}

function slashesIn(text: string): number {
  let slashes = 0;
  for (let at = text.indexOf('/'); at !== -1; at = text.indexOf('/', at + 1)) slashes++;
  return slashes;
}
