import type { WriteStream } from 'node:tty';

/** A run that takes no longer says nothing, ms. */
const patientMs = 2_000;

/**
 * Says how far a long run is: in one line that changes in a terminal, else in a line every few seconds.
 *
 * @param now monotonic ms of the machine
 */
export function progressTo(
  stream: Pick<WriteStream, 'isTTY' | 'write'>,
  durationMs: number,
  now: () => number,
): { readonly passed: (atMs: number) => void; readonly end: () => void } {
  const startedAt = now();
  const everyMs = stream.isTTY ? 200 : 5_000;
  let saidAt = startedAt + patientMs - everyMs;
  let isOpen = false;
  return {
    passed(atMs) {
      if (now() < saidAt + everyMs) return;
      saidAt = now();
      const text = `simulated ${Math.floor(atMs / 1_000)} of ${Math.round(durationMs / 1_000)} s`;
      stream.write(stream.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
      isOpen = stream.isTTY;
    },
    end() {
      if (isOpen) stream.write('\r\x1b[K');
    },
  };
}
