import { pathTester } from './path-pattern.ts';

/** Partitions of one route beyond these are not remembered. */
const mostPartitions = 16;

/** What is no word of a route's own. */
const special = /[:*{}\\]/;

/** A route of the application's. */
export interface SeenRoute {
  /** What stays the same for all its requests, and is no other route's. */
  readonly identity: object;
  /** How it is spelled from the root of the application: `/shops/:shop/orders`. */
  readonly pattern: string;
  /** Whether that spelling says all, without expressions or guesses. */
  readonly isExact: boolean;
  /** Whether a path, from the root of the application, is one of its; by the application's own word. */
  readonly passes: (path: string) => boolean;
}

/** How requests of a route are known by their paths. */
export interface RouteShape {
  /** Undefined for a path alone. */
  readonly identity: object | undefined;
  readonly pattern: string;
  /** What all its paths begin with, up to a slash: lower case, without one at its end; the whole path where it is only one. */
  readonly start: string;
  /** It is only one, so that no other route can be meant by it. */
  readonly isOnePath: boolean;
  readonly matches: (path: string) => boolean;
}

/** The shape of a route. `path` is one of its requests'. */
export function shapeOf({ identity, pattern, isExact, passes }: SeenRoute, path: string): RouteShape {
  const matches = isExact ? testerOf(pattern) : undefined;
  if (matches?.(path) !== true) return { identity, pattern, start: '', isOnePath: false, matches: passes };
  return { identity, pattern, start: startOf(pattern), isOnePath: !special.test(pattern), matches };
}

/** The one path, where nothing is known of routes. */
export function pathAlone(path: string): RouteShape {
  const lower = path.toLowerCase();
  const start = lower.length > 1 && lower.endsWith('/') ? lower.slice(0, -1) : lower;
  return { identity: undefined, pattern: path, start, isOnePath: true, matches: (other) => other === path };
}

function testerOf(pattern: string): ((path: string) => boolean) | undefined {
  try {
    return pathTester(pattern);
  } catch {
    // Express 4 has patterns that path-to-regexp 8 does not.
    return undefined;
  }
}

/** The words in front of the first parameter, up to a slash. */
function startOf(pattern: string): string {
  const lower = pattern.toLowerCase();
  const at = lower.search(special);
  return at === -1 ? lower : lower.slice(0, Math.max(0, lower.lastIndexOf('/', at)));
}

/** A route that was seen to commit, and when it last did where. */
export class LearnedRoute {
  readonly method: string;
  readonly shape: RouteShape;
  /** Monotonic ms of the last commit, by partition; the longest quiet first. */
  readonly #commits = new Map<string, number>();
  #partitions: readonly string[] = [];

  constructor(method: string, shape: RouteShape) {
    this.method = method;
    this.shape = shape;
  }

  /** It committed there, at that time. Of too many partitions the longest quiet is forgotten. */
  note(partition: string, at: number): void {
    const isKnown = this.#commits.delete(partition);
    this.#commits.set(partition, at);
    if (isKnown) return;
    if (this.#commits.size > mostPartitions) this.#forgetFirst();
    this.#partitions = [...this.#commits.keys()];
  }

  /** It could not commit until then, and so none of its partitions is older. */
  hold(at: number): void {
    for (const partition of this.#commits.keys()) this.#commits.set(partition, at);
  }

  /** Where it committed since that time; what is older is forgotten. */
  partitions(since: number): readonly string[] {
    for (const at of this.#commits.values()) {
      if (at >= since) break;
      this.#forgetFirst();
      this.#partitions = [...this.#commits.keys()];
    }
    return this.#partitions;
  }

  /** When it last committed where. */
  commits(): IterableIterator<[string, number]> {
    return this.#commits.entries();
  }

  #forgetFirst(): void {
    const [first] = this.#commits.keys();
    if (first !== undefined) this.#commits.delete(first);
  }
}
