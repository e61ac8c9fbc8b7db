import { match, pathToRegexp } from 'path-to-regexp';

/** The parameters of a path that matched; a wildcard's parts are joined by `/`. */
export type PathParams = Readonly<Record<string, string>>;

const noParams: PathParams = Object.freeze({});

/** What is not itself in a pattern. */
const special = /[:*{}\\]/;

/**
 * Makes the matcher of a path-to-regexp 8 pattern: it gives the parameters, or undefined. As in Express, case and a slash at
 * the end make no difference. Throws a `TypeError` for what is no pattern.
 */
export function pathMatcher(pattern: string): (path: string) => PathParams | undefined {
  const matches = match(pattern, { decode: decodeIfPossible });
  if (isLiteral(pattern)) return literalMatcher(pattern);
  const beginning = lowerCase(pattern.slice(0, pattern.search(special)));
  return (path) => {
    // Most rules of a table are not meant, and to see that here is cheaper than by an expression.
    if (!beginsWith(path, beginning)) return undefined;
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

/** Whether a pattern has no parameters: then there are none for any path that it matches, and it matches itself. */
export function isLiteral(pattern: string): boolean {
  return !special.test(pattern);
}

function literalMatcher(pattern: string): (path: string) => PathParams | undefined {
  const wanted = withoutEnd(pattern).toLowerCase();
  return (path) => (path === pattern || withoutEnd(path).toLowerCase() === wanted ? noParams : undefined);
}

function withoutEnd(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** Of ASCII letters: of no others does a regular expression without the flag `u` say that they are the same as one of these. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Whether a path can match what begins so: case aside, and in doubt it can. */
function beginsWith(path: string, beginning: string): boolean {
  if (path.length < beginning.length) return false;
  for (let at = 0; at < beginning.length; at++) {
    const wanted = beginning.charCodeAt(at);
    if (wanted > 0x7f) return true;
    const found = path.charCodeAt(at);
    const isLetter = wanted >= 0x61 && wanted <= 0x7a;
    if (found !== wanted && !(isLetter && found === wanted - 0x20)) return false;
  }
  return true;
}

/** A path that can't be decoded is none of ours to refuse. */
function decodeIfPossible(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
