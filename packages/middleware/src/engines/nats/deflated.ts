import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { MsgHdrs } from '@nats-io/transport-node';

// The body of a message, made smaller where that pays: a kilobyte less is written, sent on and kept by every server. With many
// callers the entries and states of a message are alike but for their ids and digests.
//   Slackwater-Encoding: deflate      the body is raw DEFLATE (RFC 1951) of what it says; without it, that itself

const encodingHeader = 'Slackwater-Encoding';
const encoding = 'deflate';
/** What is shorter has nothing in it twice. */
const leastBytes = 2_048;
/** What gets hardly smaller is not worth its inflating. */
const mostShare = 0.9;
/** Nobody writes more than a message may have; whoever did would make readers hold it. */
const mostBytes = 2 * 1024 * 1024;

/** A body as it is sent, with the headers that say how. */
export function deflated(
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): { readonly headers: Readonly<Record<string, string>>; readonly data: Uint8Array } {
  if (body.byteLength < leastBytes) return { headers, data: body };
  const data = deflateRawSync(body, { level: 1 });
  if (data.byteLength > mostShare * body.byteLength) return { headers, data: body };
  return { headers: { ...headers, [encodingHeader]: encoding }, data };
}

/** The body that a message was sent with; undefined where it is none that {@link deflated} made. */
export function inflated(headers: MsgHdrs | undefined, data: Uint8Array): Uint8Array | undefined {
  const found = headers?.get(encodingHeader) ?? '';
  if (found === '') return data;
  if (found !== encoding) return undefined;
  try {
    return inflateRawSync(data, { maxOutputLength: mostBytes });
  } catch {
    return undefined;
  }
}
