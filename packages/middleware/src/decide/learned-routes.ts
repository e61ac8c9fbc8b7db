import { pathMatcher } from './path-pattern.ts';

/** Partitions of one route beyond these are not remembered. */
const mostPartitions = 16;

interface LearnedRoute {
  readonly method: string;
  readonly pattern: string;
  readonly matches: (path: string) => boolean;
  partitions: readonly string[];
}

/**
 * Which routes commit to which partitions, as it was seen. At most `maxRoutes` are remembered; beyond them the one that
 * has not committed for longest is forgotten.
 */
export class LearnedRoutes {
  readonly #maxRoutes: number;
  /** In the order of their last commit. */
  readonly #routes = new Map<string, LearnedRoute>();
  /** By method and number of slashes, so that a look passes by few. */
  readonly #shelves = new Map<string, Set<LearnedRoute>>();

  constructor(maxRoutes: number) {
    this.#maxRoutes = maxRoutes;
  }

  /** A request on that route committed there. `path` is what it came with. */
  learn(method: string, pattern: string | undefined, path: string, partition: string): void {
    const route = this.#known(method, pattern) ?? this.#known(method, path) ?? make(method, pattern, path);
    const key = keyOf(route);
    // Put at the end anew: what has just committed is forgotten last.
    if (!this.#routes.delete(key)) this.#shelve(route);
    this.#routes.set(key, route);
    if (!route.partitions.includes(partition) && route.partitions.length < mostPartitions) {
      route.partitions = [...route.partitions, partition];
    }
    if (this.#routes.size > this.#maxRoutes) this.#forgetOldest();
  }

  /** The partitions that requests like this one were seen to commit to; none where it is not known. */
  partitionsOf(method: string, path: string): readonly string[] {
    for (const route of this.#shelves.get(shelfOf(method, path)) ?? []) {
      if (route.matches(path)) return route.partitions;
    }
    return [];
  }

  /** What is known, the longest quiet first. */
  *list(): IterableIterator<{ readonly route: string; readonly partitions: readonly string[] }> {
    for (const [route, { partitions }] of this.#routes) yield { route, partitions };
  }

  #known(method: string, pattern: string | undefined): LearnedRoute | undefined {
    return pattern === undefined ? undefined : this.#routes.get(keyOf({ method, pattern }));
  }

  #shelve(route: LearnedRoute): void {
    const shelf = shelfOf(route.method, route.pattern);
    this.#shelves.set(shelf, (this.#shelves.get(shelf) ?? new Set()).add(route));
  }

  #forgetOldest(): void {
    const [oldest] = this.#routes;
    if (oldest === undefined) return;
    const [key, route] = oldest;
    this.#routes.delete(key);
    const shelf = shelfOf(route.method, route.pattern);
    this.#shelves.get(shelf)?.delete(route);
    if (this.#shelves.get(shelf)?.size === 0) this.#shelves.delete(shelf);
  }
}

/** A pattern that is not of path-to-regexp 8, as Express 4 has them, or that spans slashes, stands for the one path. */
function make(method: string, pattern: string | undefined, path: string): LearnedRoute {
  const matches = pattern === undefined ? undefined : matcherOf(pattern, path);
  if (pattern === undefined || matches === undefined) {
    return { method, pattern: path, matches: (other) => other === path, partitions: [] };
  }
  return { method, pattern, matches: (other) => matches(other) !== undefined, partitions: [] };
}

function matcherOf(pattern: string, path: string): ReturnType<typeof pathMatcher> | undefined {
  try {
    const matches = pathMatcher(pattern);
    return shelfOf('', pattern) === shelfOf('', path) && matches(path) !== undefined ? matches : undefined;
  } catch {
    return undefined;
  }
}

function keyOf({ method, pattern }: Pick<LearnedRoute, 'method' | 'pattern'>): string {
  return `${method} ${pattern}`;
}

function shelfOf(method: string, path: string): string {
  let slashes = 0;
  for (let i = 0; i < path.length - 1; i++) if (path.charCodeAt(i) === 47) slashes += 1;
  return `${method} ${slashes}`;
}
