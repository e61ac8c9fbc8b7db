/** The path segments of a resource; one that begins with `:` stands for any, a last one that begins with `*` for all that follow. */
export type PathPattern = readonly string[];

/**
 * What stands in a path for each `:name` of a pattern, percent-decoded; undefined where the path is another one or
 * can't be decoded. What stands for `*name` comes as it is. The path begins with a slash; matching is exact, also about a slash at its end.
 */
export function matchPath(pattern: PathPattern, path: string): Readonly<Record<string, string>> | undefined {
  const [before, ...segments] = path.split('/');
  const rest = pattern.at(-1)?.startsWith('*') === true;
  const fits = rest ? segments.length >= pattern.length : segments.length === pattern.length;
  if (before !== '' || !fits) return undefined;
  const params: Record<string, string> = {};
  for (const [i, expected] of pattern.entries()) {
    if (expected.startsWith('*')) {
      params[expected.slice(1)] = segments.slice(i).join('/');
      break;
    }
    const segment = segments[i] ?? '';
    if (!expected.startsWith(':')) {
      if (segment !== expected) return undefined;
      continue;
    }
    const value = decoded(segment);
    if (value === undefined || value === '') return undefined;
    params[expected.slice(1)] = value;
  }
  return params;
}

const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Whether a text has the form of a deferral's id. */
export function isDeferralId(text: string): boolean {
  return ulid.test(text);
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
