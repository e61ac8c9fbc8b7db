import type { Call } from './callers-process.ts';
import { tookMs } from './seconds.ts';

/** A call that nothing was the matter with. */
const quickMs = 500;
/** So many of a second's calls are, when all is well again. */
const enough = 0.95;

/**
 * How long after `endMs`, when the database is quick again, calls are answered as before: from the first second on from which, in every second
 * until `lastMs`, at least 95 % of the calls that begin are answered within half a second. In seconds; null where that never is.
 */
export function recoveryS(calls: readonly Call[], endMs: number, lastMs: number): number | null {
  const seconds = Math.floor((lastMs - endMs) / 1_000);
  let recovered: number | null = null;
  for (let second = seconds - 1; second >= 0; second--) {
    const from = endMs + second * 1_000;
    const begun = calls.filter(({ beganMs }) => beganMs >= from && beganMs < from + 1_000);
    const well = begun.filter((call) => call.ending === 'answered' && tookMs(call) <= quickMs);
    if (well.length < enough * begun.length) return recovered;
    recovered = second;
  }
  return recovered;
}
