import type { Call, Ending } from './callers-process.ts';
import type { WorkType } from './scenario.ts';

/** What happened in each second, by work type. */
export interface Seconds {
  readonly begun: readonly number[];
  /** Those that ended in it, by how they ended. */
  readonly answered: readonly number[];
  readonly failed: readonly number[];
  readonly timedOut: readonly number[];
  /** Of those answered in it, from the beginning of the call, its repetitions included, ms; null: none was. */
  readonly p50Ms: readonly (number | null)[];
  readonly p99Ms: readonly (number | null)[];
}

/** Second by second, of the calls of a work type, or of all. Calls that end after the last second are in none. */
export function secondsOf(calls: readonly Call[], lastMs: number, workType?: WorkType): Seconds {
  const mine = workType === undefined ? calls : calls.filter((call) => call.workType === workType);
  const seconds = Array.from({ length: Math.ceil(lastMs / 1_000) }, (_, second) => second);
  const within = (second: number, atMs: number): boolean => Math.floor(atMs / 1_000) === second;
  const ended = (second: number, ending: Ending): readonly Call[] =>
    mine.filter((call) => call.ending === ending && within(second, call.endedMs));
  const answered = seconds.map((second) => ended(second, 'answered'));
  const quantiles = (share: number): (number | null)[] =>
    answered.map((those) => quantile(those.map(tookMs), share));
  return {
    begun: seconds.map((second) => mine.filter((call) => within(second, call.beganMs)).length),
    answered: answered.map((those) => those.length),
    failed: seconds.map((second) => ended(second, 'failed').length),
    timedOut: seconds.map((second) => ended(second, 'timed out').length),
    p50Ms: quantiles(0.5),
    p99Ms: quantiles(0.99),
  };
}

/** From the beginning of a call to its end, ms. */
export function tookMs({ beganMs, endedMs }: Call): number {
  return endedMs - beganMs;
}

/** The value that a share of the values is at or below, rounded to a tenth; null where there are none. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  return value === undefined ? null : Math.round(value * 10) / 10;
}
