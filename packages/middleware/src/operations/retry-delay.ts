const firstMs = 100;
const mostMs = 30_000;

/** How long to wait before a task is run, or undone, again, after so many attempts that failed, ms: it doubles from 100 ms to 30 s. Pure. */
export function retryDelayMs(failures: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(failures, 16));
}
