import { canonicalJson } from '@slackwater/shared';
import type { CapturedRequest, Outcome } from './deferral.ts';
import { randomPiece } from './random-bytes.ts';
import { sha256 } from './sha256.ts';

// What the digests in entries are taken over.
//
//   entry.payload = base64 of SHA-256(salt || request bytes)
//   entry.outcome = base64 of SHA-256(salt || outcome bytes)
//
//   request bytes = canonical JSON { body: base64, contentType?, method, url }, UTF-8: what its caller knows, so that
//                   the caller, given the salt, can check by itself that its request stands in the ledger unaltered.
//   context bytes = canonical JSON { headers, identity?, remoteAddress?, secure? }, identity as its JSON text, secure only
//                   where it is true: what the server added.
//   outcome bytes = canonical JSON { body: base64, headers, status }.
//   salt          = 16 random bytes || SHA-256(16 other random bytes || context bytes).
//
// So the salt, itself under the digest, commits to the context. The other random bytes never leave the payload
// record: a caller who is shown the salt learns nothing of the identity the server gave it.

const randomPartBytes = 16;

/** The salt of one deferral's digests, and the random bytes that bind it to the context. */
export interface DigestSalt {
  readonly salt: Uint8Array;
  readonly contextNonce: Uint8Array;
}

/** A fresh salt, bound to headers, identity and address of the request. */
export function makeSalt(request: CapturedRequest): DigestSalt {
  const contextNonce = randomPiece(randomPartBytes);
  const salt = Buffer.concat([randomPiece(randomPartBytes), contextDigest(contextNonce, request)]);
  return { salt, contextNonce };
}

/** Base64 of SHA-256(salt || request bytes). */
export function payloadDigest(salt: Uint8Array, request: CapturedRequest): string {
  const contentType = headerOf(request, 'content-type');
  const bytes = canonicalJson({
    body: base64(request.body),
    method: request.method,
    url: request.url,
    ...(contentType === undefined ? {} : { contentType }),
  });
  return salted(salt, bytes);
}

/** Whether a request is, context included, the one whose digest an entry holds. */
export function matchesDigest(
  digest: string,
  { salt, contextNonce }: DigestSalt,
  request: CapturedRequest,
): boolean {
  const context = Buffer.from(contextDigest(contextNonce, request));
  return context.equals(salt.subarray(randomPartBytes)) && payloadDigest(salt, request) === digest;
}

/** An outcome's bytes, as they are sealed and as the digest is taken over them. */
export function outcomeBytes({ status, headers, body }: Outcome): Uint8Array {
  return Buffer.from(canonicalJson({ body: base64(body), headers, status }), 'utf8');
}

/** The outcome in bytes that {@link outcomeBytes} made and that the vault opened. */
export function parseOutcome(bytes: Uint8Array): Outcome {
  // These bytes were authenticated by the vault: only this module wrote them.
  const { status, headers, body } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
    status: number;
    headers: [string, string][];
    body: string;
  };
  return { status, headers, body: Buffer.from(body, 'base64') };
}

/** Base64 of SHA-256(salt || bytes). */
export function outcomeDigest(salt: Uint8Array, bytes: Uint8Array): string {
  return base64(sha256(Buffer.concat([salt, bytes])));
}

/** The first header of that lower-case name. */
export function headerOf(request: CapturedRequest, name: string): string | undefined {
  return request.headers.find(([candidate]) => candidate === name)?.[1];
}

function contextDigest(nonce: Uint8Array, request: CapturedRequest): Uint8Array {
  const { headers, identity, remoteAddress, secure } = request;
  const identityText = identity === undefined ? undefined : JSON.stringify(identity);
  const text = canonicalJson({
    headers,
    ...(identityText === undefined ? {} : { identity: identityText }),
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    ...(secure === true && { secure }),
  });
  return sha256(Buffer.concat([nonce, Buffer.from(text, 'utf8')]));
}

function salted(salt: Uint8Array, text: string): string {
  return base64(sha256(Buffer.concat([salt, Buffer.from(text, 'utf8')])));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
