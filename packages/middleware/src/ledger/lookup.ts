import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** By what a request directly performed, or deferred, under an Idempotency-Key is known. */
export interface KeyedRequest {
  readonly application: string;
  readonly requester: string;
  readonly method: string;
  /** Path, or path and query: the query does not count. */
  readonly url: string;
  readonly idempotencyKey: string;
}

/** What makes two requests under one Idempotency-Key the same request. */
export interface PayloadIdentity {
  readonly method: string;
  readonly url: string;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
}

/**
 * Names by which the store, the queue and the database find things that may not be named there: HMAC-SHA-256
 * under the ledger's lookup key, a label per purpose, base64url without padding (43 characters).
 */
export interface Lookup {
  requester(requester: string): string;
  idempotencyKey(request: KeyedRequest): string;
  payload(identity: PayloadIdentity): string;
  orderKey(orderKey: string): string;
  /** See {@link completionKeyOf}. */
  completionKey(request: KeyedRequest): string;
}

/** The lookup names under one key. */
export function openLookup(key: Uint8Array): Lookup {
  const lookupKey = createSecretKey(key);
  return {
    requester: (requester) => tag(lookupKey, 'requester', requester),
    idempotencyKey: (request) => tag(lookupKey, 'idempotency-key', keyedFacts(request)),
    payload: ({ method, url, contentType, body }) =>
      tag(lookupKey, 'payload', JSON.stringify([method, url, contentType ?? null]), body),
    orderKey: (orderKey) => tag(lookupKey, 'order-key', orderKey),
    completionKey: (request) => completionKeyOf(lookupKey, request),
  };
}

/**
 * The key of the completion rows of a request that carries an Idempotency-Key. The same whether the request is
 * performed at once or replayed, so that the one shuts out the other. It tells nothing to who lacks the lookup key.
 */
export function completionKeyOf(lookupKey: KeyObject, request: KeyedRequest): string {
  return tag(lookupKey, 'completion', JSON.stringify([request.application, keyedFacts(request)]));
}

/** The path of a URL as it came, without its query. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}

function keyedFacts({ requester, method, url, idempotencyKey }: KeyedRequest): string {
  return JSON.stringify([requester, method, pathOf(url), idempotencyKey]);
}

function tag(key: KeyObject, label: string, facts: string, bytes?: Uint8Array): string {
  // A zero byte ends the label and the facts, and neither contains one: labels are ours, and what precedes
  // bytes is JSON, which escapes it.
  const hmac = createHmac('sha256', key).update(`${label}\0${facts}\0`);
  return (bytes === undefined ? hmac : hmac.update(bytes)).digest('base64url');
}
