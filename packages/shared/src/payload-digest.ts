import { fromBase64, toBase64 } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import { type HashOptions, sha256 } from './hash.ts';

/** A request as its digest in the ledger covers it (`docs/ledger-format.md`). */
export interface RecordedRequest {
  /** Upper case. */
  readonly method: string;
  /** Path and query, as the server saw them. */
  readonly url: string;
  /** The first Content-Type header; undefined where there was none. */
  readonly contentType: string | undefined;
  /** Empty where there was none. */
  readonly body: Uint8Array;
}

/**
 * The digest that the `accepted` entry of a request has, base64: SHA-256 of the salt (base64, from the deferral resource) and
 * the request. Undefined where the salt is not base64.
 */
export function payloadDigest(
  { method, url, contentType, body }: RecordedRequest,
  salt: string,
  options?: HashOptions,
): string | undefined {
  const salted = fromBase64(salt);
  if (salted === undefined) return undefined;
  const payload = canonicalJson({
    body: toBase64(body),
    ...(contentType === undefined ? {} : { contentType }),
    method,
    url,
  });
  return saltedDigest(new TextEncoder().encode(payload), salted, options);
}

/**
 * The digest that the last entry of a deferral has of its outcome, base64: SHA-256 of the salt (base64, from the deferral resource) and the
 * outcome's bytes. Undefined where the salt is not base64.
 */
export function outcomeDigest(outcome: Uint8Array, salt: string, options?: HashOptions): string | undefined {
  const salted = fromBase64(salt);
  return salted === undefined ? undefined : saltedDigest(outcome, salted, options);
}

function saltedDigest(bytes: Uint8Array, salt: Uint8Array, options: HashOptions | undefined): string {
  const both = new Uint8Array(salt.length + bytes.length);
  both.set(salt);
  both.set(bytes, salt.length);
  return toBase64(sha256(both, options));
}
