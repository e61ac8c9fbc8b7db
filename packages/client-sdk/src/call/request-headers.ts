import { formatIdempotencyKey, headerNames, parsePrefer } from '@slackwater/shared';
import type { AxiosRequestConfig } from 'axios';

const unsafeMethods = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** What decides about the headers that a call gets. */
export interface HeaderNeeds {
  /** Upper case. */
  readonly method: string;
  readonly preferAsync: boolean;
  /** Makes a new key; only called where one is needed. */
  readonly newKey: () => string;
}

/**
 * The caller's headers with `Idempotency-Key` (draft-07, an RFC 8941 string) and `Prefer: respond-async` (RFC 7240) on
 * unsafe methods. A key that the caller gave is kept, also one of `false` or `null`, which is axios's way of sending none.
 */
export function requestHeaders(
  given: AxiosRequestConfig['headers'],
  needs: HeaderNeeds,
): Record<string, unknown> {
  const headers: Record<string, unknown> = { ...given };
  if (!unsafeMethods.has(needs.method)) return headers;
  if (nameIn(headers, headerNames.idempotencyKey) === undefined) {
    headers[headerNames.idempotencyKey] = formatIdempotencyKey(needs.newKey());
  }
  if (needs.preferAsync) preferAsync(headers);
  return headers;
}

const keyBytes = 16;
/** The next keys: asking for random bytes costs as much for many as for few. */
const ahead = new Uint8Array(64 * keyBytes);
let used = ahead.length;
const hexadecimal = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** 128 random bits, in the characters of a hexadecimal number. */
export function randomKey(): string {
  if (used === ahead.length) {
    crypto.getRandomValues(ahead);
    used = 0;
  }
  let key = '';
  for (const end = used + keyBytes; used < end; used++) key += hexadecimal[ahead[used] ?? 0];
  return key;
}

function preferAsync(headers: Record<string, unknown>): void {
  const name = nameIn(headers, headerNames.prefer) ?? headerNames.prefer;
  const value = headers[name];
  if (value === undefined) headers[name] = 'respond-async';
  if (typeof value === 'string' && !parsePrefer(value).respondAsync) {
    headers[name] = `${value}, respond-async`;
  }
}

function nameIn(headers: Record<string, unknown>, wanted: string): string | undefined {
  return Object.keys(headers).find(
    (name) => name.toLowerCase() === wanted.toLowerCase() && headers[name] !== undefined,
  );
}
