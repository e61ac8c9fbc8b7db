import type { OperationRecords } from '../ledger/operation-records.ts';
import { readRuns } from './read-runs.ts';
import type { RecordedRun, RecordedRuns } from './recorded-runs.ts';
import type { RunnerLease } from './runner-lease.ts';
import { isLeft, type LiveRun, noted, type StoredLiveRun, type StoredRuns } from './stored-runs.ts';

// Taking a run over, by crash point:
//
//   live      compare-and-set, with a higher token    of several processes one gets it. Crash after: it is taken over again
//   taken     in the log                               from here on what the process before says counts for nothing
//   entries   read                                     those that are noted from where they stand, the others from the log after them
//   live      notes where they stand                   so that whoever is next does not look through the log for them again

/** Rather than have the next one look through so many entries, it is noted where a run's own stand. */
const worthNoting = 1_000;

/** What {@link takeRuns} takes. */
export interface TakeParts {
  readonly records: Pick<OperationRecords, 'record' | 'history' | 'entry'>;
  readonly stored: Pick<StoredRuns, 'update'>;
  readonly lease: Pick<RunnerLease, 'holder'>;
  readonly recorded: Pick<RecordedRuns, 'valuesOf'>;
}

/** A run that was taken over; `recorded` is undefined where nothing is planned of it. */
export interface TakenRun {
  readonly run: LiveRun;
  readonly recorded: RecordedRun | undefined;
}

/** Takes runs over that no process has, as far as no other takes them first. */
export async function takeRuns(
  { records, stored, lease, recorded }: TakeParts,
  free: readonly StoredLiveRun[],
): Promise<readonly TakenRun[]> {
  const taken: { readonly run: LiveRun; readonly revision: number; readonly wasLeft: boolean }[] = [];
  for (const { run, revision } of free) {
    const { parked, ...rest } = run;
    const next: LiveRun = { ...rest, runner: lease.holder, token: run.token + 1 };
    const written = await stored.update(next, revision);
    if (written !== undefined) taken.push({ run: next, revision: written, wasLeft: isLeft(run) });
  }
  const toRead = await Promise.all(
    taken.map(async ({ run, wasLeft }) => {
      const happening = { type: 'operation-taken', step: { token: run.token } } as const;
      const placed = await records.record(run, [happening]);
      // Of one that was left nothing was recorded since, but for this.
      if (!wasLeft || run.at === undefined) return run;
      return { ...run, at: [...run.at, ...placed.map(({ position }) => position)], isWhole: true };
    }),
  );
  const found = await readRuns(records, toRead);
  return Promise.all(
    taken.map(async ({ run, revision }) => {
      const read = found.get(run.id);
      if (read === undefined) return { run, recorded: undefined };
      const looked = (read.at.at(-1) ?? 0) - (run.at?.at(-1) ?? run.from);
      if (looked >= worthNoting) await stored.update({ ...run, ...noted(read.at) }, revision);
      return { run, recorded: { ...read, values: recorded.valuesOf(run) } };
    }),
  );
}
