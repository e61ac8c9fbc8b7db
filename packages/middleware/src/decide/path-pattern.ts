import { match, pathToRegexp } from 'path-to-regexp';

/** The parameters of a path that matched; a wildcard's parts are joined by `/`. */
export type PathParams = Readonly<Record<string, string>>;

const noParams: PathParams = Object.freeze({});

/** What is not itself in a pattern. */
const special = /[:*{}\\]/;

/** A pattern whose parameters are whole segments, and whose words are of ASCII: no expression is needed to match it. */
const segmented = /^(?:\/(?::[A-Za-z_$][\w$]*|[^/:*{}\\\u0080-\uffff]+))+$/;

/**
 * Makes the matcher of a path-to-regexp 8 pattern: it gives the parameters, or undefined. As in Express, case and a slash at
 * the end make no difference. Throws a `TypeError` for what is no pattern.
 */
export function pathMatcher(pattern: string): (path: string) => PathParams | undefined {
  const matches = match(pattern, { decode: decodeIfPossible });
  if (isLiteral(pattern)) return literalMatcher(pattern);
  if (segmented.test(pattern)) return segmentMatcher(pattern);
  const beginning = lowerCase(pattern.slice(0, pattern.search(special)));
  return (path) => {
    // Most rules of a table are not meant, and to see that here is cheaper than by an expression.
    if (!beginsWith(path, beginning)) return undefined;
    const found = matches(path);
    if (found === false) return undefined;
    const params = new Params();
    for (const [name, value] of Object.entries(found.params)) {
      if (value !== undefined) params[name] = Array.isArray(value) ? value.join('/') : value;
    }
    return params;
  };
}

/** Parameters inherit no names. Unlike objects without any prototype these are not kept as tables of hashes. */
const Params = function Params() {} as unknown as new () => Record<string, string>;
Params.prototype = Object.create(null);

/** Takes a path apart from slash to slash, as the expression of the pattern would. */
function segmentMatcher(pattern: string): (path: string) => PathParams | undefined {
  const segments = pattern
    .slice(1)
    .split('/')
    .map((text) => (text.startsWith(':') ? { name: text.slice(1), words: '' } : { words: lowerCase(text) }));
  return (path) => {
    let params: Record<string, string> | undefined;
    let at = 0;
    for (const { name, words } of segments) {
      if (path.charCodeAt(at) !== slash) return undefined;
      at += 1;
      if (name === undefined) {
        if (!isAt(path, at, words)) return undefined;
        at += words.length;
      } else {
        const next = path.indexOf('/', at);
        const end = next === -1 ? path.length : next;
        if (end === at) return undefined;
        const value = path.slice(at, end);
        params ??= new Params();
        params[name] = value.includes('%') ? decodeIfPossible(value) : value;
        at = end;
      }
    }
    const isWhole = at === path.length || (at === path.length - 1 && path.charCodeAt(at) === slash);
    return isWhole ? (params ?? noParams) : undefined;
  };
}

const slash = 0x2f;

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
  return isAt(path, 0, beginning);
}

/** Whether lower-case words stand at a place of a path, case aside; of what is not ASCII it is left open, and true. */
function isAt(path: string, from: number, words: string): boolean {
  if (path.length - from < words.length) return false;
  for (let at = 0; at < words.length; at++) {
    const wanted = words.charCodeAt(at);
    if (wanted > 0x7f) return true;
    const found = path.charCodeAt(from + at);
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
