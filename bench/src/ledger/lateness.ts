import { closeSync, openSync, readSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late a timer of 1 ms came, and what the thread did between two of them; 99.9th percentiles, µs. */
export interface Lateness {
  readonly lateUs: number;
  /** Only where the kernel tells (Linux, `schedstat`). */
  readonly betweenTicks?: {
    /** On a core: that long other work of the event loop has to wait because of work. */
    readonly runningUs: number;
    /** Could have run and had no core. */
    readonly waitingUs: number;
    /** Neither, beyond the timer's own ms: waited for a lock that another thread holds, or one that has to run first. */
    readonly blockedUs: number;
  };
}

const tickMs = 1;
/** Of this process's main thread, which is the one that calls. */
const schedstat = `/proc/self/task/${process.pid}/schedstat`;

/** Watches this thread's event loop from now on. */
export function watchLoop(): { end(): Lateness } {
  const delays = monitorEventLoopDelay({ resolution: tickMs });
  const ticks = watchTicks();
  delays.enable();
  return {
    end() {
      delays.disable();
      const betweenTicks = ticks?.end();
      return { lateUs: delays.percentile(99.9) / 1_000, ...(betweenTicks && { betweenTicks }) };
    },
  };
}

function watchTicks(): { end(): NonNullable<Lateness['betweenTicks']> } | undefined {
  const file = open();
  if (file === undefined) return undefined;
  const buffer = Buffer.alloc(128);
  const read = (): readonly [atUs: number, runningUs: number, waitingUs: number] => {
    const [running = 0, waiting = 0] = buffer
      .toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0))
      .split(' ')
      .map((ns) => Number(ns) / 1_000);
    return [performance.now() * 1_000, running, waiting];
  };
  const runs: number[] = [];
  const waits: number[] = [];
  const blocks: number[] = [];
  let last = read();
  const timer = setInterval(() => {
    const now = read();
    const [tookUs, runningUs, waitingUs] = [now[0] - last[0], now[1] - last[1], now[2] - last[2]];
    runs.push(runningUs);
    waits.push(waitingUs);
    blocks.push(Math.max(0, tookUs - runningUs - waitingUs - tickMs * 1_000));
    last = now;
  }, tickMs);
  return {
    end() {
      clearInterval(timer);
      closeSync(file);
      return { runningUs: highest(runs), waitingUs: highest(waits), blockedUs: highest(blocks) };
    },
  };
}

function open(): number | undefined {
  try {
    return openSync(schedstat, 'r');
  } catch {
    return undefined;
  }
}

/** The 99.9th percentile. */
function highest(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * 0.999)] ?? 0;
}
