import type { Clock } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';

// How large a stream may become is not left to the servers: what a clustered server before 2.10 refuses because the stream is full
// it refuses when it applies the message, which does the harm that subject-order.ts tells of, to the log as well. So each host
// looks how large a stream is, now and then, adds what it sends itself, and refuses by that. With several hosts
// a stream may come to be a little larger than it should.

interface Measured {
  readonly at: number;
  readonly bytes: Promise<number>;
  sent: number;
}

const measureEveryMs = 1_000;
/** What a message takes beside its body, or a little more. */
const aroundBytes = 256;

/** Keeps streams within a size. */
export interface RoomLeft {
  /** Rejects with `engine-full` where a message of that many bytes has no room, or with why the stream can't be asked. */
  take(stream: string, bytes: number): Promise<void>;
}

/** Streams may have `maxBytes` each; `bytesOf` asks how many one has. */
export function roomLeft(
  maxBytes: number,
  clock: Pick<Clock, 'now'>,
  bytesOf: (stream: string) => Promise<number>,
): RoomLeft {
  const streams = new Map<string, Measured>();

  function measured(stream: string): Measured {
    const known = streams.get(stream);
    if (known !== undefined && clock.now() < known.at + measureEveryMs) return known;
    const bytes = bytesOf(stream);
    const fresh = { at: clock.now(), bytes, sent: 0 };
    streams.set(stream, fresh);
    bytes.catch(() => streams.delete(stream));
    return fresh;
  }

  return {
    async take(stream, bytes) {
      const room = measured(stream);
      const size = (await room.bytes) + room.sent + bytes + aroundBytes;
      if (size > maxBytes) {
        throw new EngineError(
          'engine-full',
          'none',
          `The stream ${stream} would have ${size} bytes and may have ${maxBytes}; raise the limit (maxBytes).`,
        );
      }
      room.sent += bytes + aroundBytes;
    },
  };
}
