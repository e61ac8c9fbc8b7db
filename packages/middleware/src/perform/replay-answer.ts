import type { IncomingMessage } from 'node:http';
import type { Outcome } from '../ledger/deferral.ts';

/** What arrived as the answer to a replay. */
export type ReplayAnswer =
  | { readonly kind: 'answered'; readonly outcome: Outcome }
  /** More than `maxOutcomeBytes`; the body is not kept. */
  | { readonly kind: 'answered-too-large'; readonly status: number }
  /** The connection ended within the answer. */
  | { readonly kind: 'broken'; readonly message: string };

/** Fields that belong to one connection (RFC 9110, section 7.6.1), to one length, or to one browser. */
const notKept = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Reads an answer to its end. What is beyond `maxOutcomeBytes` is read and thrown away rather than cut off: a
 * route that streams may not have committed yet. Trailers are not kept (RFC 9110, section 6.5.1).
 */
export function readAnswer(
  response: IncomingMessage,
  maxOutcomeBytes: number,
  done: (answer: ReplayAnswer) => void,
): void {
  const status = response.statusCode ?? 0;
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  response.on('data', (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes <= maxOutcomeBytes) chunks.push(chunk);
    else chunks = [];
  });
  response.on('error', () => {});
  response.on('close', () => {
    if (!response.complete) {
      done({ kind: 'broken', message: `the route closed its connection within the answer ${status}` });
    } else if (bytes > maxOutcomeBytes) {
      done({ kind: 'answered-too-large', status });
    } else {
      const headers = endToEndHeaders(response.rawHeaders);
      done({ kind: 'answered', outcome: { status, headers, body: Buffer.concat(chunks) } });
    }
  });
}

/** The headers of an answer that are kept, lower-case names, in their order. */
export function endToEndHeaders(rawHeaders: readonly string[]): Outcome['headers'] {
  const pairs: [string, string][] = [];
  const named = new Set<string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    if (name === 'connection') for (const field of value.split(',')) named.add(field.trim().toLowerCase());
    pairs.push([name, value]);
  }
  return pairs.filter(([name]) => !notKept.has(name) && !named.has(name));
}
