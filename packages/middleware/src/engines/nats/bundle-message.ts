import type { MsgHdrs } from '@nats-io/transport-node';
import { isAlike } from '../bulk-keys.ts';
import type { StoreOptions } from '../store.ts';
import { deflated, inflated } from './deflated.ts';
import type { Chunks, StoreMessage } from './store-message.ts';

// A bundle is the first values of several keys in one message:
//   Slackwater-Keys: <key> <key> ...      in the order of the values
//   Slackwater-Again: <floor> <key> ...   those of them whose names are not fresh: where a bundle before number <floor> made one, that
//                                         bundle was gone by then, and this one makes it again
//   body, which may be deflated (deflated.ts): for each key
//                        2 bytes length of what is said of it, big endian | that, JSON, or nothing
//                        4 bytes length of its value | its value
//   { "expiresAt"?: Unix milliseconds, "chunks"?: { "id", "count" } }, as the headers of store-message.ts have it
// A message that is not so was written by somebody else, and holds nothing, for every reader alike.

const keysHeader = 'Slackwater-Keys';
const againHeader = 'Slackwater-Again';

/** A key that is to be made. */
export interface FirstValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly expiresAt: number | undefined;
  /** Where the value is, if it is too long to be here. */
  readonly chunks: Chunks | undefined;
  /** As {@link StoreOptions} has it. */
  readonly isFresh: boolean;
}

/** Keys that a bundle makes again, if a bundle before number `floor` made them. */
export interface MadeAgain {
  readonly floor: number;
  readonly keys: readonly string[];
}

/** A bundle as a message. Before the number `floor` there are no bundles any more. */
export function packBundle(
  values: readonly FirstValue[],
  floor: number,
): {
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
} {
  const said = values.map(({ expiresAt, chunks }) =>
    Buffer.from(
      expiresAt === undefined && chunks === undefined ? '' : JSON.stringify({ expiresAt, chunks }),
      'utf8',
    ),
  );
  let length = 0;
  for (const [i, { value }] of values.entries()) length += 6 + (said[i]?.length ?? 0) + value.byteLength;
  const data = Buffer.allocUnsafe(length);
  let at = 0;
  for (const [i, { value }] of values.entries()) {
    const about = said[i] ?? Buffer.alloc(0);
    at = data.writeUInt16BE(about.length, at);
    data.set(about, at);
    at = data.writeUInt32BE(value.byteLength, at + about.length);
    data.set(value, at);
    at += value.byteLength;
  }
  const again = floor <= 1 ? [] : values.filter(({ isFresh }) => !isFresh).map(({ key }) => key);
  const headers = {
    [keysHeader]: values.map(({ key }) => key).join(' '),
    ...(again.length > 0 && { [againHeader]: [floor, ...again].join(' ') }),
  };
  return values.every(({ key }) => isAlike(key)) ? deflated(data, headers) : { headers, data };
}

/** The keys of a bundle; undefined where the message is none. */
export function keysOfBundle(headers: MsgHdrs | undefined): readonly string[] | undefined {
  const text = headers?.get(keysHeader) ?? '';
  return text === '' ? undefined : text.split(' ');
}

/** What a bundle makes again; undefined where it says nothing of that. */
export function madeAgainBy(headers: MsgHdrs | undefined): MadeAgain | undefined {
  const [first, ...keys] = (headers?.get(againHeader) ?? '').split(' ');
  const floor = Number(first);
  return Number.isSafeInteger(floor) && floor > 0 && keys.length > 0 ? { floor, keys } : undefined;
}

/** The values of a bundle by key, as messages with the number 0; undefined where the message is none. */
export function unpackBundle(
  headers: MsgHdrs | undefined,
  data: Uint8Array,
): ReadonlyMap<string, StoreMessage> | undefined {
  try {
    const body = inflated(headers, data);
    if (body === undefined) return undefined;
    const bytes = Buffer.from(body);
    const values = new Map<string, StoreMessage>();
    let at = 0;
    for (const key of keysOfBundle(headers) ?? []) {
      const valueAt = at + 2 + bytes.readUInt16BE(at);
      const said = bytes.toString('utf8', at + 2, valueAt);
      const end = valueAt + 4 + bytes.readUInt32BE(valueAt);
      if (end > bytes.length) return undefined;
      const { expiresAt, chunks } = (said === '' ? {} : JSON.parse(said)) as Partial<FirstValue>;
      const value = new Uint8Array(bytes.subarray(valueAt + 4, end));
      if (!values.has(key)) values.set(key, { seq: 0, isDeleted: false, expiresAt, chunks, data: value });
      at = end;
    }
    return at === bytes.length && at > 0 ? values : undefined;
  } catch {
    return undefined;
  }
}
