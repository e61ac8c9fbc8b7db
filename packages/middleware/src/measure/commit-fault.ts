import type { Commit } from '../drivers/driver.ts';

/** What is wrong with a commit as it was told of. */
export type CommitFault =
  | 'partition'
  | 'kind'
  | 'startedAt'
  | 'durationMs'
  | 'outcome'
  | 'finished-twice'
  | 'too-many-unfinished';

/** Beyond it a beginning is that of another clock, ms. */
const oldestMs = 3_600_000;
/** By so much a source may round, ms. */
const aheadMs = 1;
/** As of a driver's own option. */
const longestName = 200;

/** What keeps a commit that begins, by what is said of it at `now` (monotonic ms), from being counted; undefined where nothing does. */
export function faultOfBegin({ partition, kind, startedAt }: Commit, now: number): CommitFault | undefined {
  if (typeof partition !== 'string' || partition.length === 0 || partition.length > longestName) {
    return 'partition';
  }
  if (kind !== 'explicit' && kind !== 'autocommit') return 'kind';
  // Written so that NaN fails it.
  const isOfLate = startedAt <= now + aheadMs && startedAt >= now - oldestMs;
  return typeof startedAt === 'number' && isOfLate ? undefined : 'startedAt';
}

/** The same of a commit that has finished. */
export function faultOfFinish(commit: Commit, now: number): CommitFault | undefined {
  const { durationMs, outcome } = commit;
  switch (outcome) {
    case 'committed':
    case 'rolledBack':
    case 'failed':
    case 'unknown':
      break;
    default:
      return 'outcome';
  }
  if (!(Number.isFinite(durationMs) && durationMs >= 0)) return 'durationMs';
  return faultOfBegin(commit, now);
}

/** The fault as a sentence with what was told, and what is the law. */
export function faultError(fault: CommitFault, commit: Commit): Error {
  const told = said((commit as unknown as Readonly<Record<string, unknown>>)[fault]);
  return new Error(`A commit was told of that is not counted: ${sentences[fault](told)}`);
}

const sentences: Readonly<Record<CommitFault, (told: string) => string>> = {
  partition: (told) => `its partition is ${told}; a name is a string of 1 to 200 characters.`,
  kind: (told) => `its kind is ${told}; it is explicit or autocommit.`,
  startedAt: (told) => `it began at ${told}; that is no time of the last hour by the monotonic clock, in ms.`,
  durationMs: (told) => `its durationMs is ${told}; a duration is a finite number of ms, 0 or more.`,
  outcome: (told) => `it finished with the outcome ${told}; it is committed, rolledBack, failed or unknown.`,
  'finished-twice': () => 'it has finished before; there is one finish to each start.',
  'too-many-unfinished': () =>
    'so many commits of its partition are unfinished that its source must have forgotten to finish them.',
};

function said(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value).slice(0, 60);
}
