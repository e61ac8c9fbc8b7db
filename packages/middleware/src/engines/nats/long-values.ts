import { randomUUID } from 'node:crypto';
import type { NatsContext } from './context.ts';
import { type Chunks, chunkHeaders } from './store-message.ts';

// A value that is longer than a message may be is kept in pieces under a fresh name, and the key's message names them.
// Crash between: pieces that nobody names, which the sweeping finds. The key's message is what counts, so a value is
// there whole or not at all.

/** With room for subject and headers within the 1 MiB that servers take. */
const pieceBytes = 512 * 1024;

/** Keeps values that are too long for one message. */
export interface LongValues {
  /** Undefined where the value fits. */
  keep(key: string, value: Uint8Array): Promise<Chunks | undefined>;
  /** Undefined where a piece is gone: the key was written anew meanwhile. */
  read(chunks: Chunks): Promise<Uint8Array | undefined>;
  /** Lets pieces go. Does not fail: what stays is swept. */
  drop(chunks: Chunks | undefined): void;
}

/** Long values of one scope. */
export function longValues({ api, names }: NatsContext): LongValues {
  const stream = names.streams.store;

  function drop(chunks: Chunks | undefined): void {
    if (chunks !== undefined) api.remove(stream, names.chunkSubject(chunks.id, '>')).catch(() => {});
  }

  return {
    async keep(key, value) {
      if (value.byteLength <= pieceBytes) return undefined;
      const chunks = { id: randomUUID(), count: Math.ceil(value.byteLength / pieceBytes) };
      try {
        for (let number = 0; number < chunks.count; number++) {
          const piece = value.subarray(number * pieceBytes, (number + 1) * pieceBytes);
          await api.publish(names.chunkSubject(chunks.id, number), piece, {
            stream,
            headers: chunkHeaders(key),
          });
        }
      } catch (error) {
        drop(chunks);
        throw error;
      }
      return chunks;
    },
    async read({ id, count }) {
      const subjects = Array.from({ length: count }, (_, number) => names.chunkSubject(id, number));
      const pieces = await Promise.all(subjects.map((subject) => api.last(stream, subject)));
      const found = pieces.flatMap((piece) => (piece === undefined ? [] : [piece.data]));
      return found.length === count ? new Uint8Array(Buffer.concat(found)) : undefined;
    },
    drop,
  };
}
