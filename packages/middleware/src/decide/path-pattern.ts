import { match, pathToRegexp } from 'path-to-regexp';

/** The parameters of a path that matched; a wildcard's parts are joined by `/`. */
export type PathParams = Readonly<Record<string, string>>;

const noParams: PathParams = Object.freeze({});

/**
 * Makes the matcher of a path-to-regexp 8 pattern: it gives the parameters, or undefined. As in Express, case and a slash at
 * the end make no difference. Throws a `TypeError` for what is no pattern.
 */
export function pathMatcher(pattern: string): (path: string) => PathParams | undefined {
  const matches = match(pattern, { decode: decodeIfPossible });
  if (!/[:*{}\\]/.test(pattern)) return literalMatcher(pattern);
  return (path) => {
    const found = matches(path);
    if (found === false) return undefined;
    const params: Record<string, string> = Object.create(null);
    for (const [name, value] of Object.entries(found.params)) {
      if (value !== undefined) params[name] = Array.isArray(value) ? value.join('/') : value;
    }
    return params;
  };
}

/** The same, for those who need no parameters: it tells whether the path matches. */
export function pathTester(pattern: string): (path: string) => boolean {
  const { regexp } = pathToRegexp(pattern);
  return (path) => regexp.test(path);
}

function literalMatcher(pattern: string): (path: string) => PathParams | undefined {
  const wanted = withoutEnd(pattern).toLowerCase();
  return (path) => (path === pattern || withoutEnd(path).toLowerCase() === wanted ? noParams : undefined);
}

function withoutEnd(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** A path that can't be decoded is none of ours to refuse. */
function decodeIfPossible(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
