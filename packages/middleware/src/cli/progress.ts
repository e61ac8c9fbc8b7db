import type { Clock } from '../clock.ts';
import type { Output } from './command.ts';

/** How often a line is written at most, ms: on a terminal it is written again, elsewhere it is one more. */
const terminalEveryMs = 100;
const plainEveryMs = 5_000;
const narrowest = 20;

/** Tells people how far something has come. */
export interface Progress {
  /** `done` things, of `of` where that is known, in what is being done; another text begins another thing to do. */
  report(doing: string, done?: number, of?: number): void;
  /** Tells something else, on a line of its own. */
  say(text: string): void;
  /** Writes what is still to be written. To be called once, before anything else is written. */
  end(): void;
}

/** Progress on a stream: a line that is written again on a terminal, plain lines elsewhere. */
export function showProgress(stream: Output, clock: Pick<Clock, 'now'>): Progress {
  const isTerminal = stream.isTTY === true;
  const everyMs = isTerminal ? terminalEveryMs : plainEveryMs;
  let current: { readonly doing: string; line: string; writtenAt: number; written: string } | undefined;

  function write(now: number): void {
    if (current === undefined || current.written === current.line) return;
    stream.write(isTerminal ? `\r\x1b[2K${current.line.slice(0, columnsOf(stream))}` : `${current.line}\n`);
    current.written = current.line;
    current.writtenAt = now;
  }

  function finish(): void {
    write(clock.now());
    if (isTerminal && current !== undefined) stream.write('\n');
    current = undefined;
  }

  return {
    report(doing, done, of) {
      if (current !== undefined && current.doing !== doing) finish();
      const now = clock.now();
      current ??= { doing, line: '', writtenAt: Number.NEGATIVE_INFINITY, written: '' };
      current.line = lineOf(doing, done, of);
      if (now - current.writtenAt >= everyMs) write(now);
    },
    say(text) {
      finish();
      stream.write(`${text}\n`);
    },
    end: finish,
  };
}

/** One character is left free, or the terminal breaks the line. */
function columnsOf({ columns }: Output): number {
  return Math.max(narrowest, (columns ?? 80) - 1);
}

function lineOf(doing: string, done: number | undefined, of: number | undefined): string {
  if (done === undefined) return doing;
  if (of === undefined) return `${doing}: ${grouped(done)}`;
  const percent = of === 0 ? 100 : Math.floor((done / of) * 100);
  return `${doing}: ${grouped(done)} of ${grouped(of)} (${percent} %)`;
}

const grouped = (count: number): string => count.toLocaleString('en-US');
