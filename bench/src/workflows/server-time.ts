import { readFileSync } from 'node:fs';
import type pg from 'pg';

const ticksPerSecond = 100;

/** Processor time that the server's processes for a database have used, by process, ms. Linux tells; elsewhere there is none. */
export async function serverTimes(client: pg.Client, database: string): Promise<ReadonlyMap<number, number>> {
  const { rows } = await client.query<{ pid: number }>(
    'SELECT pid FROM pg_stat_activity WHERE datname = $1',
    [database],
  );
  return new Map(rows.flatMap(({ pid }) => timeOf(pid).map((ms) => [pid, ms] as const)));
}

/** What was used since; of processes that began meanwhile, all of it. Those that ended are missed. */
export function usedSince(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  return [...after].reduce((sum, [pid, ms]) => sum + ms - (before.get(pid) ?? 0), 0);
}

/** Of one process. Field 14 and 15 of /proc/<pid>/stat (proc(5)); the second may have spaces in it. */
function timeOf(pid: number): readonly number[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond];
  } catch {
    return [];
  }
}
