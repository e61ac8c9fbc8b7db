import type { MsgHdrs } from '@nats-io/transport-node';
import { deflated, inflated } from './deflated.ts';

// A message of the log is one batch:
//   Slackwater-Entries: <number of entries>
//   Slackwater-Known: <seq> <position>    message <seq> of the stream begins at <position>: a fact its writer knew, by which
//                                         readers find positions without reading the stream from its beginning
//   body: for each entry its length (4 bytes, big endian) and its bytes; it may be deflated (deflated.ts)
// A message that is not so was written by somebody else. It holds no entries, for every reader alike.

const entriesHeader = 'Slackwater-Entries';
const knownHeader = 'Slackwater-Known';

/** Message `seq` of the stream begins at entry `position`. */
export interface Anchor {
  readonly seq: number;
  readonly position: number;
}

/** A batch as a message. */
export function packEntries(
  entries: readonly Uint8Array[],
  known: Anchor,
): { readonly headers: Readonly<Record<string, string>>; readonly data: Uint8Array } {
  const data = Buffer.allocUnsafe(entries.reduce((sum, entry) => sum + 4 + entry.byteLength, 0));
  let at = 0;
  for (const entry of entries) {
    at = data.writeUInt32BE(entry.byteLength, at);
    data.set(entry, at);
    at += entry.byteLength;
  }
  return deflated(data, {
    [entriesHeader]: String(entries.length),
    [knownHeader]: `${known.seq} ${known.position}`,
  });
}

/** The entries of a message, in one copy of it; undefined where it is not one of ours. */
export function unpackEntries(headers: MsgHdrs | undefined, data: Uint8Array): Uint8Array[] | undefined {
  const count = Number(headers?.get(entriesHeader));
  if (!Number.isSafeInteger(count) || count < 1) return undefined;
  const body = inflated(headers, data);
  if (body === undefined) return undefined;
  const bytes = Buffer.from(body);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < count) {
    if (at + 4 > bytes.length) return undefined;
    const length = bytes.readUInt32BE(at);
    const end = at + 4 + length;
    if (end > bytes.length) return undefined;
    entries.push(new Uint8Array(bytes.buffer, bytes.byteOffset + at + 4, length));
    at = end;
  }
  return at === bytes.length ? entries : undefined;
}

/** The anchor that a message's writer knew. */
export function knownAnchor(headers: MsgHdrs | undefined): Anchor | undefined {
  const [seq = Number.NaN, position = Number.NaN] = (headers?.get(knownHeader) ?? '').split(' ').map(Number);
  const fine = Number.isSafeInteger(seq) && seq >= 1 && Number.isSafeInteger(position) && position >= 0;
  return fine ? { seq, position } : undefined;
}
