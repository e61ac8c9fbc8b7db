/** Slackwater-Deferred: a structured dictionary (RFC 8941 section 3.2) on an answer that was given ahead of the work. */
import { ParameterError } from './parameter-error.ts';

/** What the header says. */
export interface DeferredHeader {
  /** The deferral's id. */
  readonly id: string;
  /** How much of the request was deferred. */
  readonly portion: 'all';
}

const maxLength = 1024;
const printable = /^[\x20-\x7e]{1,255}$/;
/** One member: key, string or token or another bare value, parameters passed over. */
const member =
  / *([a-z*][a-z0-9_.*-]*)(?:=(?:"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"|([A-Za-z0-9*?:+/_.=-]+)))?(?:; *[a-z*][a-z0-9_.*-]*(?:=[A-Za-z0-9*?:+/_.-]+)?)*[ \t]*(?:,[ \t]*|$)/y;

/** The header's value. Throws `parameter-invalid` for an id that is not 1 to 255 printable ASCII characters. */
export function formatDeferredHeader({ id, portion }: DeferredHeader): string {
  if (!printable.test(id)) throw new ParameterError('a deferral id is 1 to 255 printable ASCII characters');
  return `id="${id.replaceAll(/["\\]/g, '\\$&')}", portion=${portion}`;
}

/** What the header says; undefined where it is absent, malformed, or says another portion. Never throws. */
export function parseDeferredHeader(value: unknown): DeferredHeader | undefined {
  if (typeof value !== 'string' || value.length > maxLength) return undefined;
  const strings = new Map<string, string>();
  const tokens = new Map<string, string>();
  for (member.lastIndex = 0; member.lastIndex < value.length; ) {
    const [, key, string, token] = member.exec(value) ?? [];
    if (key === undefined) return undefined;
    strings.delete(key);
    tokens.delete(key);
    if (string !== undefined) strings.set(key, string.replaceAll(/\\(["\\])/g, '$1'));
    else if (token !== undefined) tokens.set(key, token);
  }
  const id = strings.get('id');
  return id !== undefined && id !== '' && tokens.get('portion') === 'all'
    ? { id, portion: 'all' }
    : undefined;
}
