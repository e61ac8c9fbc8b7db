/** Signed webhooks in the format of Standard Webhooks (standardwebhooks.com): docs/webhooks.md. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase64, toBase64 } from './base64.ts';
import { concatBytes, copyOfBytes } from './bytes.ts';
import { ParameterError } from './parameter-error.ts';
import { utf8 } from './text.ts';

/** Names of a webhook's headers. */
export const webhookHeaders = {
  id: 'webhook-id',
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
} as const;

/** How far a webhook's timestamp may be from the receiver's clock where nobody says, ms. */
export const webhookToleranceMs = 300_000;

const prefix = 'whsec_';
const idShape = /^[!-~]{1,256}$/;
const timestampShape = /^[0-9]{1,12}$/;
const mostSignatures = 16;

/** A webhook as it arrived. */
export interface WebhookMessage {
  /** A `Headers`, or an object of header values by name as Node.js has it; names are lower case there. */
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body as it came, before anything parsed it. */
  readonly body: Uint8Array | string;
}

/** What a webhook is verified by. */
export interface WebhookTrust {
  /** `whsec_` and base64 of 24 to 64 bytes. While a secret is changed there are several: one that fits is enough. */
  readonly secrets: readonly string[];
  /** The receiver's time, Unix milliseconds: `Date.now()`. */
  readonly nowMs: number;
  /** How far its timestamp may be from that, in either direction, ms. Default 300,000. */
  readonly toleranceMs?: number;
}

/**
 * Whether a webhook was signed with one of the secrets, just now. Never throws: what is no webhook gives false. Remember
 * `webhook-id` to notice a message that came before: it is the same each time that the message is sent again.
 */
export function verifyWebhook(message: WebhookMessage, trust: WebhookTrust): boolean {
  try {
    return isGenuine(message, trust);
  } catch {
    return false;
  }
}

/** What is signed. */
export interface WebhookToSign {
  /** 1 to 256 visible ASCII characters. */
  readonly id: string;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly body: Uint8Array;
}

/**
 * The value of `webhook-signature`: a `v1,<base64>` for each secret, separated by blanks, of HMAC-SHA-256 over id, timestamp and
 * body with dots between them. Throws `parameter-invalid`, without showing the secret.
 */
export function signWebhook({ id, timestamp, body }: WebhookToSign, secrets: readonly string[]): string {
  if (!idShape.test(id)) throw new ParameterError('id: give 1 to 256 visible ASCII characters');
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) {
    throw new ParameterError('timestamp: give whole Unix seconds');
  }
  const content = contentOf(id, String(timestamp), body);
  return secrets
    .map((secret) => {
      const key = webhookKey(secret);
      if (key === undefined) throw new ParameterError('secret: give whsec_ and base64 of 24 to 64 bytes');
      return `v1,${toBase64(hmac(sha256, key, content))}`;
    })
    .join(' ');
}

/** The bytes of a secret; undefined for what is none. */
export function webhookKey(secret: unknown): Uint8Array | undefined {
  if (typeof secret !== 'string' || !secret.startsWith(prefix)) return undefined;
  const key = fromBase64(secret.slice(prefix.length));
  return key !== undefined && key.length >= 24 && key.length <= 64 ? key : undefined;
}

function isGenuine({ headers, body }: WebhookMessage, trust: WebhookTrust): boolean {
  const { secrets, nowMs, toleranceMs = webhookToleranceMs } = trust;
  const id = headerOf(headers, webhookHeaders.id);
  const timestamp = headerOf(headers, webhookHeaders.timestamp);
  const signature = headerOf(headers, webhookHeaders.signature);
  if (id === undefined || timestamp === undefined || signature === undefined) return false;
  if (!idShape.test(id) || !timestampShape.test(timestamp)) return false;
  // A clock or tolerance that is no number admits nothing.
  if (!(Math.abs(nowMs - Number(timestamp) * 1_000) <= toleranceMs)) return false;
  const bytes = typeof body === 'string' ? utf8(body) : copyOfBytes(body);
  if (bytes === undefined) return false;
  const content = contentOf(id, timestamp, bytes);
  const given = signature.split(' ', mostSignatures).flatMap(signatureIn);
  let fits = false;
  for (const secret of secrets) {
    const key = webhookKey(secret);
    if (key === undefined) continue;
    const expected = hmac(sha256, key, content);
    for (const one of given) fits = equalInConstantTime(one, expected) || fits;
  }
  return fits;
}

function headerOf(headers: WebhookMessage['headers'], name: string): string | undefined {
  const { get } = headers as { readonly get?: unknown };
  const value: unknown =
    typeof get === 'function'
      ? (headers as { get(name: string): unknown }).get(name)
      : (headers as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : undefined;
}

function signatureIn(text: string): readonly Uint8Array[] {
  if (!text.startsWith('v1,')) return [];
  const bytes = fromBase64(text.slice(3));
  return bytes === undefined ? [] : [bytes];
}

function contentOf(id: string, timestamp: string, body: Uint8Array): Uint8Array {
  return concatBytes(utf8(`${id}.${timestamp}.`), body);
}

/** Whoever can measure how long it takes learns nothing of where they differ. */
function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (const [at, byte] of a.entries()) difference |= byte ^ (b[at] ?? 0);
  return difference === 0;
}
