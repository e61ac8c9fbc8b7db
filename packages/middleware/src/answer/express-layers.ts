import type { SeenRoute } from '../decide/learned-route.ts';

/**
 * What is used of the layers of Express's routers: `match` in all of them; `rawPath` in those of Express 5.3 and newer, `keys` and `regexp` in
 * those of Express 4. What it was asked last is written to a layer by every request, so that asking it again does no harm.
 */
interface Layer {
  match(path: string): unknown;
  readonly path?: unknown;
  readonly rawPath?: unknown;
  readonly keys?: readonly unknown[];
  readonly regexp?: unknown;
  readonly params?: unknown;
  readonly route?: object;
  readonly handle?: unknown;
}

/** A layer that a path passes. */
export interface Link {
  readonly layer: Layer;
  readonly route: object | undefined;
  readonly handle: unknown;
  /** The part of the path that it takes. */
  readonly matched: string;
  /** What it leaves to the layers behind it. */
  readonly rest: string;
  /** How the layer is spelled in the application. */
  readonly text: string;
  /** Whether that spelling says all: it is no expression, and no guess. */
  readonly isExact: boolean;
}

/** Lets a path pass a layer; undefined where it does not match, or what is given is no layer. */
export function matchOf(layer: unknown, path: string): Link | undefined {
  if (typeof layer !== 'object' || layer === null || !('match' in layer)) return undefined;
  const one = layer as Layer;
  const { route } = one;
  let result: unknown;
  try {
    result = one.match(path);
  } catch {
    // A path that can't be decoded: Express answers it with 400.
    return undefined;
  }
  if (result === false || result === undefined) return undefined;
  const of = typeof result === 'object' && result !== null ? result : one;
  const { path: matched } = of as { readonly path?: unknown };
  if (typeof matched !== 'string') return undefined;
  const left = path.slice(matched.length);
  const rest = left.startsWith('/') ? left : `/${left}`;
  return { layer: one, route, handle: one.handle, matched, rest, ...spelled(one, matched) };
}

/** The route that those layers lead to. */
export function seenBy(identity: object, links: readonly Link[]): SeenRoute {
  const layers = links.map(({ layer }) => layer);
  return {
    identity,
    pattern: links.map(({ text }) => text.replace(/\/+$/, '')).join('') || '/',
    isExact: links.every(({ isExact }) => isExact),
    passes: (path) => passes(layers, path),
  };
}

function passes(layers: readonly Layer[], path: string): boolean {
  let rest = path;
  for (const layer of layers) {
    const link = matchOf(layer, rest);
    if (link === undefined) return false;
    rest = link.rest;
  }
  return true;
}

type Spelling = Pick<Link, 'text' | 'isExact'>;

function spelled({ route, rawPath, keys, regexp, params }: Layer, matched: string): Spelling {
  const own = (route as { readonly path?: unknown } | undefined)?.path ?? rawPath;
  if (typeof own === 'string') return { text: own, isExact: true };
  if (own !== undefined) return { text: `(${String(own)})`, isExact: false };
  if (regexp instanceof RegExp) return readBack(regexp, keys ?? [], matched);
  const values = Object.entries((params as Readonly<Record<string, unknown>> | undefined) ?? {});
  return { text: withoutValues(values, matched), isExact: false };
}

/** What matched, with the names of those segments that are values; a guess where a word of the route's own is the same. */
function withoutValues(values: readonly (readonly [string, unknown])[], matched: string): string {
  const segments = matched.split('/');
  for (const [name, value] of values) {
    const at = segments.indexOf(String(value));
    if (at !== -1) segments[at] = `:${name}`;
  }
  return segments.join('/');
}

/** How a router was mounted under Express 4, which keeps no more than the expression: what matched, with names for values. */
function readBack(regexp: RegExp, keys: readonly unknown[], matched: string): Spelling {
  const found = new RegExp(regexp.source, `${regexp.flags.replace('d', '')}d`).exec(matched);
  let text = '';
  let at = 0;
  keys.forEach((key, n) => {
    const { name } = key as { readonly name?: unknown };
    const [start, end] = found?.indices?.[n + 1] ?? [-1, -1];
    if (start < at) return;
    text += `${matched.slice(at, start)}:${String(name)}`;
    at = end;
  });
  text = (text + matched.slice(at)).replace(/\/+$/, '');
  return { text, isExact: isMadeFrom(text, regexp.source) };
}

/** Whether Express 4 makes that expression of that pattern, so that it is no expression of the application's own. */
function isMadeFrom(text: string, source: string): boolean {
  const words = text.replace(/:\w+/g, ':').replaceAll('.', '\\.').replaceAll('/', '\\/');
  const made = source
    .replace(/\(\?:\\\/\(\[\^\\?\/\]\+\?\)\)/g, '\\/:')
    .replace(/\(\?:\(\[\^\\?\/\]\+\?\)\)/g, ':');
  return made.toLowerCase() === `^${words}\\/?(?=\\/|$)`.toLowerCase();
}
