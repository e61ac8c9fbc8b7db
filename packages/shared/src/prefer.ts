/** Prefer (RFC 7240): what a caller would rather have, without a right to it. */

/** The preferences that Slackwater knows. */
export interface Preferences {
  /** The caller can take a 202. */
  readonly respondAsync: boolean;
  /** How long the caller would wait for an answer, in whole seconds, at least 0. Absent where not said. */
  readonly waitSeconds?: number;
}

const maxLength = 8192;
const maxHeaders = 100;
const wholeSeconds = /^[0-9]{1,15}$/;
/** A preference up to its first parameter: name, and maybe a token or a quoted string. Sticky: each try is bounded. */
const preference =
  /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*=[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)"))?[ \t]*(?=[;,]|$)/y;

/**
 * The preferences in one or several Prefer headers. What it can't read or doesn't know is ignored, as the standard
 * wants: it never throws. Names are compared without regard to case; of a repeated preference the first counts.
 * More than 8,192 characters count as none, and of more than 100 headers the first 100 count.
 */
export function parsePrefer(value: unknown): Preferences {
  const seen = new Map<string, string>();
  for (const item of itemsOf(textOf(value))) {
    preference.lastIndex = 0;
    const [, name, token, quoted] = preference.exec(item) ?? [];
    if (name === undefined || seen.has(name.toLowerCase())) continue;
    seen.set(name.toLowerCase(), token ?? quoted?.replaceAll(/\\(.)/g, '$1') ?? '');
  }
  const wait = seen.get('wait');
  const respondAsync = seen.get('respond-async') === '';
  return wait !== undefined && wholeSeconds.test(wait)
    ? { respondAsync, waitSeconds: Number(wait) }
    : { respondAsync };
}

/** The value of a Prefer header, or undefined where nothing is preferred. `waitSeconds` is rounded down to a whole number. */
export function formatPrefer({ respondAsync, waitSeconds }: Preferences): string | undefined {
  const parts = respondAsync ? ['respond-async'] : [];
  if (waitSeconds !== undefined && waitSeconds >= 0) {
    parts.push(`wait=${Math.floor(Math.min(waitSeconds, Number.MAX_SAFE_INTEGER))}`);
  }
  return parts.length > 0 ? parts.join(', ') : undefined;
}

function textOf(value: unknown): string {
  const headers: readonly unknown[] = Array.isArray(value) ? value.slice(0, maxHeaders) : [value];
  const text = headers.filter((header) => typeof header === 'string').join(', ');
  return text.length <= maxLength ? text : '';
}

/** Splits at the commas that are outside of quoted strings. */
function itemsOf(text: string): string[] {
  const items: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (quoted && character === '\\') i += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) {
      items.push(text.slice(start, i));
      start = i + 1;
    }
  }
  items.push(text.slice(start));
  return items;
}
