import type { MsgHdrs } from '@nats-io/transport-node';
import type { Chunks, StoreMessage } from './store-message.ts';

// A bundle is the first values of several keys in one message:
//   Slackwater-Keys: <key> <key> ...      in the order of the values
//   body: for each key   2 bytes length of what is said of it, big endian | that, JSON, or nothing
//                        4 bytes length of its value | its value
//   { "expiresAt"?: Unix milliseconds, "chunks"?: { "id", "count" } }, as the headers of store-message.ts have it
// A message that is not so was written by somebody else, and holds nothing, for every reader alike.

const keysHeader = 'Slackwater-Keys';

/** A key that is to be made. */
export interface FirstValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly expiresAt: number | undefined;
  /** Where the value is, if it is too long to be here. */
  readonly chunks: Chunks | undefined;
}

/** A bundle as a message. */
export function packBundle(values: readonly FirstValue[]): {
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
  return { headers: { [keysHeader]: values.map(({ key }) => key).join(' ') }, data };
}

/** The keys of a bundle; undefined where the message is none. */
export function keysOfBundle(headers: MsgHdrs | undefined): readonly string[] | undefined {
  const text = headers?.get(keysHeader) ?? '';
  return text === '' ? undefined : text.split(' ');
}

/** The values of a bundle by key, as messages with the number 0; undefined where the message is none. */
export function unpackBundle(
  headers: MsgHdrs | undefined,
  data: Uint8Array,
): ReadonlyMap<string, StoreMessage> | undefined {
  try {
    const bytes = Buffer.from(data);
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
