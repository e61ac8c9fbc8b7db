import type { Request } from 'express';

/** What Express routed the request by, from the root of the application, where it is a pattern in words. */
export function patternOf(req: Request): string | undefined {
  const path: unknown = (req.route as { readonly path?: unknown } | undefined)?.path;
  return typeof path === 'string' ? `${req.baseUrl}${path}` : undefined;
}

/** The rest of a URL's path, where that is the base path or lies below it. */
export function pathBelow(url: string, basePath: string): string | undefined {
  if (!url.startsWith(basePath)) return undefined;
  const end = url.indexOf('?');
  const rest = url.slice(basePath.length, end === -1 ? undefined : end);
  return rest === '' || rest.startsWith('/') ? rest : undefined;
}
