import { isLiteral, type PathParams, pathMatcher } from './path-pattern.ts';

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
  /** Whether the method and this very path always have this match: the path is the rule's own, to the letter. */
  readonly exact: boolean;
}

/**
 * Makes the function that finds the first rule for a method and a path. HEAD is matched by rules for GET too, as Express
 * does it.
 */
export function routeTable<Route extends RouteKey>(
  routes: readonly Route[],
): (method: string, path: string) => RouteMatch<Route> | undefined {
  const compiled = routes.map((route) => ({ route, match: pathMatcher(route.pattern) }));
  const byMethod = new Map<string, ReturnType<typeof rulesFor>>();

  function rulesFor(method: string): (path: string) => RouteMatch<Route> | undefined {
    const methods = method === 'HEAD' ? ['*', 'HEAD', 'GET'] : ['*', method];
    const rules = compiled.filter(({ route }) => methods.includes(route.method));
    const find = (path: string): RouteMatch<Route> | undefined => {
      for (const { route, match } of rules) {
        const params = match(path);
        if (params !== undefined) return { route, params, exact: false };
      }
      return undefined;
    };
    // What these paths match is known now: that rule, or one before it.
    const known = new Map<string, RouteMatch<Route>>();
    for (const { route } of rules) {
      const found = isLiteral(route.pattern) ? find(route.pattern) : undefined;
      if (found !== undefined && isLiteral(found.route.pattern)) {
        known.set(route.pattern, { ...found, exact: true });
      }
    }
    return (path) => known.get(path) ?? find(path);
  }

  for (const method of new Set(['HEAD', ...routes.map((route) => route.method)])) {
    byMethod.set(method, rulesFor(method));
  }
  const anyMethod = rulesFor('*');

  return (method, path) => (byMethod.get(method) ?? anyMethod)(path);
}
