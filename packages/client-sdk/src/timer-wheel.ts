/** Sets one timer of the platform; returns what cancels it. */
export type SetTimer = (delayMs: number, callback: () => void) => () => void;

/** No timer is due at a finer time than this. */
const tickMs = 10;

/** A timer is at most this share of its delay late. */
const lateShare = 1 / 64;

/**
 * Many timers on one of the platform's, however many wait: times are rounded up, never down, to ticks of 10 ms and, for long
 * delays, to a sixty-fourth of the delay, and whatever is due in the same tick is called back together. So there are at most 100 wake-ups a
 * second and some 130 different times for each doubling of the delay.
 */
export function timerWheel(setTimer: SetTimer, steadyMs: () => number): SetTimer {
  const due = new Map<number, Set<() => void>>();
  let armedAtMs = Number.POSITIVE_INFINITY;
  let disarm: (() => void) | undefined;

  function arm(): void {
    let firstMs = Number.POSITIVE_INFINITY;
    for (const atMs of due.keys()) firstMs = Math.min(firstMs, atMs);
    if (firstMs === armedAtMs) return;
    disarm?.();
    armedAtMs = firstMs;
    disarm = firstMs === Number.POSITIVE_INFINITY ? undefined : setTimer(firstMs - steadyMs(), wake);
  }

  function wake(): void {
    armedAtMs = Number.POSITIVE_INFINITY;
    disarm = undefined;
    const nowMs = steadyMs();
    const ready = [...due].filter(([atMs]) => atMs <= nowMs).sort(([a], [b]) => a - b);
    for (const [atMs] of ready) due.delete(atMs);
    arm();
    for (const [, callbacks] of ready) for (const callback of callbacks) callback();
  }

  return (delayMs, callback) => {
    const grainMs = tickMs * 2 ** Math.max(0, Math.floor(Math.log2((delayMs * lateShare) / tickMs)));
    const atMs = Math.ceil((steadyMs() + Math.max(0, delayMs)) / grainMs) * grainMs;
    const bucket = due.get(atMs) ?? new Set();
    // The same function may be due twice.
    const own = bucket.has(callback) ? (): void => callback() : callback;
    bucket.add(own);
    due.set(atMs, bucket);
    if (atMs < armedAtMs) arm();
    return () => {
      if (!bucket.delete(own) || bucket.size > 0 || due.get(atMs) !== bucket) return;
      due.delete(atMs);
      if (atMs === armedAtMs) arm();
    };
  };
}
