/** Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a structured string (RFC 8941 section 3.3.3). */
import { SlackwaterError } from './errors.ts';

const maxKeyLength = 255;
const quoted = /^ *"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)" *$/;
/** Visible ASCII but quotes and commas. */
const bare = /^[\x21\x23-\x2b\x2d-\x7e]+$/;
const printable = /^[\x20-\x7e]+$/;

/** Code `idempotency-key-invalid`: a text that no Idempotency-Key can carry. */
export class IdempotencyKeyError extends SlackwaterError {
  constructor() {
    super('idempotency-key-invalid', `an Idempotency-Key is 1 to ${maxKeyLength} printable ASCII characters`);
  }
}

/**
 * The key in the header's value; undefined where there is none or it is invalid (answer 400).
 *
 * Accepts the standard's quoted string, without parameters, and, because many clients send it so, the key without
 * quotes: then 1 to 255 visible ASCII characters, no quote and no comma. Both forms of one key are the same key.
 * A header that came several times, joined by commas, is invalid.
 */
export function parseIdempotencyKey(value: unknown): string | undefined {
  // Every character of the key may have been escaped; the rest is quotes and some space.
  if (typeof value !== 'string' || value.length > 3 * maxKeyLength) return undefined;
  const key = quoted.exec(value)?.[1]?.replaceAll(/\\(["\\])/g, '$1') ?? bareKey(value);
  return key !== undefined && key.length <= maxKeyLength ? key : undefined;
}

/** The header's value for a key of 1 to 255 printable ASCII characters. Throws `idempotency-key-invalid`. */
export function formatIdempotencyKey(key: string): string {
  if (typeof key !== 'string' || key.length > maxKeyLength || !printable.test(key))
    throw new IdempotencyKeyError();
  return `"${key.replaceAll(/["\\]/g, '\\$&')}"`;
}

function bareKey(value: string): string | undefined {
  const key = value.trim();
  return bare.test(key) ? key : undefined;
}
