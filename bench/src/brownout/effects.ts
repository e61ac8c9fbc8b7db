import type pg from 'pg';
import type { Call } from './callers-process.ts';

/** What the database tells of the calls' effects. */
export interface Effects {
  /** Calls whose caller was told that it is done, and that left nothing. */
  readonly lost: number;
  /** Effects beyond the first of a call. */
  readonly repeated: number;
  /** Calls whose caller was told that it failed, or nothing at all, and that were done. */
  readonly unknown: number;
}

/** Counts what calls left in the database, held against what their callers were told. */
export async function effectsOf(database: pg.Client, calls: readonly Call[]): Promise<Effects> {
  const { rows } = await database.query<{ call: string; times: number }>(
    "SELECT call, count(*)::int AS times FROM effects WHERE call NOT LIKE '-%' GROUP BY call",
  );
  const times = new Map(rows.map((row) => [row.call, row.times]));
  let [lost, repeated, unknown] = [0, 0, 0];
  for (const [number, { ending }] of calls.entries()) {
    const done = times.get(String(number)) ?? 0;
    if (done === 0 && ending === 'answered') lost += 1;
    if (done > 0 && ending !== 'answered') unknown += 1;
    repeated += Math.max(0, done - 1);
  }
  return { lost, repeated, unknown };
}
