import type { Request } from 'express';
import type { SeenRoute } from '../decide/learned-route.ts';
import { type Link, matchOf, seenBy } from './express-layers.ts';

/** Routers in routers beyond these are not looked into: one may have been mounted in itself. */
const deepest = 16;

/** What is used of Express's routes, under 4 and 5 alike. */
interface Route {
  readonly methods?: Readonly<Record<string, boolean | undefined>>;
}

interface Found {
  readonly route: Route;
  readonly links: readonly Link[];
}

/** Which application is behind a layer that hides it, once that was seen. */
const mounted = new WeakMap<object, object>();

/**
 * The route that a request has been handed to, as it stands in its application: with the patterns of the routers and applications
 * it is mounted in. `path` is the request's, from the root; `app` the application that was handling it before, for one that is mounted on a
 * router does not say where. Undefined where it was handed to none, or came there by another way
 * than its path, such as a rewritten URL.
 */
export function routeTaken(req: Request, path: string, app: unknown): SeenRoute | undefined {
  const taken = routeObject(req);
  if (taken === undefined) return undefined;
  const [root] = applications(app);
  const inner = applications(req.app).filter((one) => one !== root);
  for (const { route, links } of routesFor(stackOf(root), path, [], inner)) {
    if (route === taken) return seenBy(taken, links);
  }
  return undefined;
}

/** The route that a request will be handed to, unless something on the way answers it; undefined where that can't be seen. */
export function routeAhead(req: Request, method: string, path: string): object | undefined {
  const [root] = applications(req.app);
  const wanted = method.toLowerCase();
  for (const { route } of routesFor(stackOf(root), path, [], [])) {
    const { methods } = route;
    if (methods?.['_all'] === true || methods?.[wanted] === true) return route;
    if (wanted === 'head' && methods?.['get'] === true) return route;
  }
  return undefined;
}

/** What Express routed the request by. */
export function routeObject(req: Request): object | undefined {
  const route: unknown = req.route;
  return typeof route === 'object' && route !== null ? route : undefined;
}

/** The routes that a path may be handed to, in the order in which Express tries them. */
function* routesFor(
  stack: unknown,
  path: string,
  outer: readonly Link[],
  apps: readonly object[],
): Generator<Found> {
  if (!Array.isArray(stack) || outer.length > deepest) return;
  for (const layer of stack) {
    const link = matchOf(layer, path);
    if (link === undefined) continue;
    const links = [...outer, link];
    if (link.route !== undefined) yield { route: link.route, links };
    else yield* routesBehind(link, links, apps);
  }
}

function* routesBehind(link: Link, links: readonly Link[], apps: readonly object[]): Generator<Found> {
  const { handle, layer, rest } = link;
  if (!hidesApp(handle)) {
    yield* routesFor(stackOf(handle), rest, links, apps);
    return;
  }
  const known = mounted.get(layer);
  // One that is mounted on a router is no application's child, and its own children are behind it.
  const candidates = known === undefined ? apps.filter((app) => fits(app, link)) : [known];
  for (const app of candidates) {
    for (const found of routesFor(stackOf(app), rest, links, after(apps, app))) {
      mounted.set(layer, app);
      yield found;
    }
  }
}

function after(apps: readonly object[], app: object): readonly object[] {
  return apps.slice(apps.indexOf(app) + 1);
}

/** Express mounts applications, and gates, by a function that hides them. */
function hidesApp(handle: unknown): boolean {
  return typeof handle === 'function' && handle.name === 'mounted_app';
}

/** Whether an application may have been mounted there: another one may be mounted in front of it. */
function fits(app: unknown, { matched }: Link): boolean {
  const { mountpath } = app as { readonly mountpath?: unknown };
  if (typeof mountpath !== 'string' || /[:*?+(){}\\]/.test(mountpath)) return true;
  return mountpath.replace(/\/$/, '').toLowerCase() === matched.replace(/\/$/, '').toLowerCase();
}

/** From the root application to the one given. */
function applications(app: unknown): readonly object[] {
  const found: object[] = [];
  for (let at = app; isObject(at) && found.length <= deepest; at = (at as { parent?: unknown }).parent) {
    found.unshift(at);
  }
  return found;
}

/** The layers of a router, or of an application's. */
function stackOf(router: unknown): unknown {
  if (!isObject(router)) return undefined;
  const { stack, _router } = router as { readonly stack?: unknown; readonly _router?: unknown };
  if (Array.isArray(stack)) return stack;
  if (isObject(_router)) return (_router as { readonly stack?: unknown }).stack;
  try {
    // Express 4 throws here, and has no router where it has none above.
    const { router: own } = router as { readonly router?: unknown };
    return isObject(own) ? (own as { readonly stack?: unknown }).stack : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
