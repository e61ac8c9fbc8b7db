import type { MsgHdrs } from '@nats-io/transport-node';
import type { Kept } from './kept.ts';

// A message of the store:
//   KV-Operation: DEL             the key is gone; as NATS's own tools have it
//   Slackwater-Expires: <ms>      from then on (Unix milliseconds) it is not shown
//   Slackwater-Chunks: <id> <n>   the value is in n messages <scope>.chunk.<id>.<0..n-1>, and the body is empty
//   body: the value
// Besides, which message it replaces: subject-order.ts. A chunk has Slackwater-Key: <key>, so that one which nobody names any more is recognised.

const operationHeader = 'KV-Operation';
const expiresHeader = 'Slackwater-Expires';
const chunksHeader = 'Slackwater-Chunks';
const keyHeader = 'Slackwater-Key';

/** Where a long value is. */
export interface Chunks {
  readonly id: string;
  readonly count: number;
}

/** What the last message of a key says. */
export interface StoreMessage {
  readonly seq: number;
  readonly isDeleted: boolean;
  readonly expiresAt: number | undefined;
  readonly chunks: Chunks | undefined;
  readonly data: Uint8Array;
}

/** Reads a message of the store. */
export function readStoreMessage({
  seq,
  headers,
  data,
}: Pick<Kept, 'seq' | 'headers' | 'data'>): StoreMessage {
  return {
    seq,
    isDeleted: (headers?.get(operationHeader) ?? '') !== '',
    expiresAt: numberOf(headers?.get(expiresHeader)),
    chunks: chunksOf(headers),
    data,
  };
}

/** The headers of a value. */
export function valueHeaders(
  expiresAt: number | undefined,
  chunks: Chunks | undefined,
): Readonly<Record<string, string>> {
  return {
    ...(expiresAt !== undefined && { [expiresHeader]: String(expiresAt) }),
    ...(chunks !== undefined && { [chunksHeader]: `${chunks.id} ${chunks.count}` }),
  };
}

/** The headers of a marker that says "gone". It goes itself at `expiresAt`, or never. */
export function deletedHeaders(expiresAt: number | undefined): Readonly<Record<string, string>> {
  return {
    [operationHeader]: 'DEL',
    ...(expiresAt !== undefined && { [expiresHeader]: String(expiresAt) }),
  };
}

/** The headers of a piece of a long value. */
export function chunkHeaders(key: string): Readonly<Record<string, string>> {
  return { [keyHeader]: key };
}

/** The key that a piece belongs to. */
export function chunkKey(headers: MsgHdrs | undefined): string | undefined {
  const key = headers?.get(keyHeader) ?? '';
  return key === '' ? undefined : key;
}

function numberOf(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || text === '' || !Number.isSafeInteger(value) ? undefined : value;
}

function chunksOf(headers: MsgHdrs | undefined): Chunks | undefined {
  const [id = '', count = ''] = (headers?.get(chunksHeader) ?? '').split(' ');
  return id === '' || !Number.isSafeInteger(Number(count)) ? undefined : { id, count: Number(count) };
}
