import type { Fault } from './scenario.ts';

/** Whether a host feels a fault at an instant. */
export function isFelt(fault: Fault, host: number, at: number): boolean {
  return fault.fromMs <= at && at < fault.toMs && host < (fault.hosts ?? Number.POSITIVE_INFINITY);
}

/** Whether a host's connections are refused at an instant. */
export function isRefused(faults: readonly Fault[], host: number, at: number): boolean {
  return faults.some((fault) => fault.refuse === true && isFelt(fault, host, at));
}

/** How long a commit that a host begins then hangs before it is worked at, ms. */
export function hangMs(faults: readonly Fault[], host: number, at: number): number {
  let longest = 0;
  for (const fault of faults) {
    if (fault.latencyMs !== undefined && isFelt(fault, host, at))
      longest = Math.max(longest, Math.min(fault.latencyMs, fault.toMs - at));
  }
  return longest;
}

/** When work that was begun at `at` and takes `workMs` by itself is done: where a factor ends meanwhile, the rest goes quicker. */
export function doneAt(faults: readonly Fault[], at: number, workMs: number): number {
  let now = at;
  let left = workMs;
  for (;;) {
    const factor = factorAt(faults, now);
    const until = nextBoundary(faults, now);
    const spanMs = until - now;
    if (left * factor <= spanMs) return now + left * factor;
    left -= spanMs / factor;
    now = until;
  }
}

function factorAt(faults: readonly Fault[], at: number): number {
  let factor = 1;
  for (const fault of faults) {
    if (fault.factor !== undefined && fault.fromMs <= at && at < fault.toMs) factor *= fault.factor;
  }
  return factor;
}

function nextBoundary(faults: readonly Fault[], after: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { fromMs, toMs, factor } of faults) {
    if (factor === undefined) continue;
    if (fromMs > after) next = Math.min(next, fromMs);
    if (toMs > after) next = Math.min(next, toMs);
  }
  return next;
}
