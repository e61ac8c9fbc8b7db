import type { LedgerEntry, OperationEntryType } from '@slackwater/shared';
import type { OperationRecords } from '../ledger/operation-records.ts';
import { followChain } from './chain.ts';
import { type Happened, type RunState, runStateOf } from './run-state.ts';
import type { LiveRun } from './stored-runs.ts';

/** What the log says of runs, by id: each entry is verified under the signed head. Those that plan nothing are left out. */
export async function readRuns(
  records: Pick<OperationRecords, 'history'>,
  runs: readonly Pick<LiveRun, 'id' | 'from'>[],
): Promise<ReadonlyMap<string, RunState>> {
  const states = new Map<string, RunState>();
  if (runs.length === 0) return states;
  const ids = new Set(runs.map(({ id }) => id));
  const from = Math.min(...runs.map((run) => run.from));
  for (const [id, entries] of await records.history(ids, from)) {
    const state = runStateOf(id, entries.map(happenedIn));
    // Where the process ended while it planned, there is no chain to be followed, and nothing was begun.
    const isPlanned =
      followChain([...(state?.blocks.values() ?? [])].map(({ block }) => block)) !== undefined;
    if (state !== undefined && isPlanned) states.set(id, state);
  }
  return states;
}

/** An entry of the log, as what happened to a run. */
export function happenedIn({
  position,
  entry,
}: {
  readonly position: number;
  readonly entry: LedgerEntry;
}): Happened {
  return {
    type: entry.type as OperationEntryType,
    step: entry.step ?? { token: 0 },
    at: Date.parse(entry.at),
    position,
  };
}
