import { METHODS } from 'node:http';
import { pathToRegexp } from 'path-to-regexp';
import { OptionContradictionError } from './option-error.ts';
import { quoted } from './said.ts';

/** What a key of `routes` says. */
export interface RouteKey {
  /** Upper case, or `*`. */
  readonly method: string;
  readonly pattern: string;
}

const longestPattern = 1_024;

/** `POST /orders/:id` as method and pattern. Throws `option-invalid`, with the spelling that was likely meant. */
export function checkRouteKey(key: string, option: string): RouteKey {
  const [, method = '', pattern = ''] = /^(\S+) (\S.*)$/.exec(key) ?? [];
  if (method === '') {
    const path = key.trim();
    const meant = path.startsWith('/') ? `; give "POST ${path}", or "* ${path}" for any method` : '';
    throw refusal(
      option,
      key,
      `is not a method, one blank and a path${meant || '; give "POST /orders/:id"'}`,
    );
  }
  checkMethod(method, pattern, key, option);
  checkPattern(method, pattern, key, option);
  return { method, pattern };
}

function checkMethod(method: string, pattern: string, key: string, option: string): void {
  if (method === '*' || METHODS.includes(method)) return;
  const upper = method.toUpperCase();
  if (METHODS.includes(upper))
    throw refusal(option, key, `has its method in small letters; give "${upper} ${pattern}"`);
  const any = `for any method give "* ${pattern}"`;
  throw refusal(
    option,
    key,
    `names no method that Node.js knows; give one in capitals, such as POST; ${any}`,
  );
}

function checkPattern(method: string, pattern: string, key: string, option: string): void {
  // An optional group may come first: `{/:locale}/orders`.
  if (!/^\{*\//.test(pattern)) {
    throw refusal(option, key, `has a path that does not begin with a slash; give "${method} /${pattern}"`);
  }
  if (pattern.length > longestPattern) {
    throw refusal(option, key, `has a path of more than ${longestPattern} characters`);
  }
  const fault = faultOf(pattern);
  if (fault === undefined) return;
  const modern = modernSpelling(pattern);
  const lost = /:\w+\(/.test(pattern) ? ', without the expression, which it can not have' : '';
  const meant = modern === undefined ? '' : `; there it is spelled "${method} ${modern}"${lost}`;
  throw refusal(option, key, `is no pattern of path-to-regexp 8 (${fault})${meant}`);
}

function faultOf(pattern: string): string | undefined {
  try {
    const names = pathToRegexp(pattern).keys.map(({ name }) => name);
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    return twice === undefined ? undefined : `two parameters are named ${twice}`;
  } catch (error) {
    return error instanceof Error
      ? error.message.replace(/:? \/.*$/s, '').replace(/; visit.*$/s, '')
      : 'unreadable';
  }
}

/** What Express 4 spelled otherwise: wildcards without a name, `?` behind what is optional, `+`, expressions. */
function modernSpelling(pattern: string): string | undefined {
  let wildcards = 0;
  const modern = pattern
    .replace(/:(\w+)\([^()]*\)/g, ':$1')
    .replace(/\/:(\w+)\*/g, '{/*$1}')
    .replace(/\/:(\w+)\+/g, '/*$1')
    .replace(/(\/:\w+|\w)\?/g, '{$1}')
    .replace(/\(\.\*\)|\*(?!\w)/g, () => {
      wildcards += 1;
      return wildcards === 1 ? '*rest' : `*rest${wildcards}`;
    });
  return modern !== pattern && faultOf(modern) === undefined ? modern : undefined;
}

function refusal(option: string, key: string, what: string): OptionContradictionError {
  return new OptionContradictionError(option, `${quoted(key)} ${what}`);
}
