import { type PathParams, pathMatcher } from './path-pattern.ts';

/** What a rule is found by. */
export interface RouteKey {
  /** Upper case, or `*` for any. */
  readonly method: string;
  readonly pattern: string;
}

/** A rule that matched. */
export interface RouteMatch<Route> {
  readonly route: Route;
  readonly params: PathParams;
}

/**
 * Makes the function that finds the first rule for a method and a path. HEAD is matched by rules for GET too, as Express
 * does it.
 */
export function routeTable<Route extends RouteKey>(
  routes: readonly Route[],
): (method: string, path: string) => RouteMatch<Route> | undefined {
  const compiled = routes.map((route) => ({ route, match: pathMatcher(route.pattern) }));
  const byMethod = new Map<string, typeof compiled>();

  function rulesFor(method: string): typeof compiled {
    const methods = method === 'HEAD' ? ['*', 'HEAD', 'GET'] : ['*', method];
    return compiled.filter(({ route }) => methods.includes(route.method));
  }

  for (const method of new Set(['HEAD', ...routes.map((route) => route.method)])) {
    byMethod.set(method, rulesFor(method));
  }
  const anyMethod = rulesFor('*');

  return (method, path) => {
    for (const { route, match } of byMethod.get(method) ?? anyMethod) {
      const params = match(path);
      if (params !== undefined) return { route, params };
    }
    return undefined;
  };
}
