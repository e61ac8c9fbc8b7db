import type { LedgerEntry, OperationEntryType } from '@slackwater/shared';
import type { PlacedEntry } from '../ledger/history.ts';
import type { OperationRecords } from '../ledger/operation-records.ts';
import { followChain } from './chain.ts';
import { type Happened, type RunState, runStateOf } from './run-state.ts';
import type { LiveRun } from './stored-runs.ts';

const readAtOnce = 64;

/** Which run is read, and what is known of where its entries stand. */
export interface RunToRead extends Pick<LiveRun, 'id' | 'from' | 'at'> {
  /** All of its entries stand at `at`: the log need not be looked through. */
  readonly isWhole?: boolean;
}

/** A run as the log has it. */
export interface ReadRun {
  readonly state: RunState;
  /** Where its entries stand, in their order. */
  readonly at: readonly number[];
}

/**
 * What the log says of runs, by id: each entry is verified under the signed head. Those that plan nothing are left out. What is known of where a run's entries
 * stand is read there, and the log only from the last of them on.
 */
export async function readRuns(
  records: Pick<OperationRecords, 'history' | 'entry'>,
  runs: readonly RunToRead[],
): Promise<ReadonlyMap<string, ReadRun>> {
  const known = new Map(
    await Promise.all(runs.map(async (run) => [run, await knownOf(records, run)] as const)),
  );
  const open = runs.filter((run) => run.isWhole !== true || known.get(run) === undefined);
  const from = Math.min(...open.map((run) => startOf(run, known.get(run))));
  const later =
    open.length === 0 ? undefined : await records.history(new Set(open.map(({ id }) => id)), from);
  const found = new Map<string, ReadRun>();
  for (const run of runs) {
    const first = known.get(run) ?? [];
    const start = startOf(run, first);
    const rest = (later?.get(run.id) ?? []).filter(({ position }) => position >= start);
    const read = runIn(run.id, [...first, ...rest]);
    if (read !== undefined) found.set(run.id, read);
  }
  return found;
}

/** The same of one run, to be shown and not to go on from: what others did meanwhile is not parsed. */
export async function glanceAtRun(
  records: Pick<OperationRecords, 'glance' | 'entry'>,
  run: RunToRead,
): Promise<ReadRun | undefined> {
  const known = await knownOf(records, run);
  const isAll = run.isWhole === true && known !== undefined;
  const later = isAll ? [] : await records.glance(run.id, startOf(run, known));
  return runIn(run.id, [...(known ?? []), ...later]);
}

function runIn(id: string, entries: readonly PlacedEntry[]): ReadRun | undefined {
  const state = runStateOf(id, entries.map(happenedIn));
  // Where the process ended while it planned, there is no chain to be followed, and nothing was begun.
  const isPlanned = followChain([...(state?.blocks.values() ?? [])].map(({ block }) => block)) !== undefined;
  return state !== undefined && isPlanned
    ? { state, at: entries.map(({ position }) => position) }
    : undefined;
}

/** From there on the log is looked through. */
function startOf({ from }: RunToRead, known: readonly PlacedEntry[] | undefined): number {
  return (known?.at(-1)?.position ?? from - 1) + 1;
}

/** The entries that are known to be a run's; undefined where something else stands there: then nothing is known. */
async function knownOf(
  records: Pick<OperationRecords, 'entry'>,
  { id, at = [] }: RunToRead,
): Promise<readonly PlacedEntry[] | undefined> {
  const entries: PlacedEntry[] = [];
  for (let i = 0; i < at.length; i += readAtOnce) {
    const some = at.slice(i, i + readAtOnce);
    entries.push(
      ...(await Promise.all(
        some.map(async (position) => ({ position, entry: await records.entry(position) })),
      )),
    );
  }
  return entries.length > 0 && entries.every(({ entry }) => entry.id === id) ? entries : undefined;
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
