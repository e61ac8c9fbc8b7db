/** The rest of a URL's path, where that is the base path or lies below it. */
export function pathBelow(url: string, basePath: string): string | undefined {
  if (!url.startsWith(basePath)) return undefined;
  const end = url.indexOf('?');
  const rest = url.slice(basePath.length, end === -1 ? undefined : end);
  return rest === '' || rest.startsWith('/') ? rest : undefined;
}
