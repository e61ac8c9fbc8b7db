import type { BatchState } from './batch-state.ts';
import type { BatchRun } from './batch-types.ts';
import type { BatchDirection } from './judge-batch.ts';
import type { Schedule } from './schedule.ts';

/** A batch as it stands, as far as this host knows. Times are RFC 3339. */
export interface BatchStatus {
  readonly name: string;
  readonly workType: string;
  readonly direction: BatchDirection;
  /** For people; absent where it is run by hand alone. */
  readonly schedule?: string;
  readonly timeZone: string;
  /**
   * `resting`: this host has not begun to look after it, or it is never due; `waiting` for its schedule; `postponed`, to be looked at again at
   * `retryAt`; `running` here, or `running-elsewhere`.
   */
  readonly state: 'resting' | 'waiting' | 'running' | 'running-elsewhere' | 'postponed' | 'paused' | 'closed';
  readonly nextDueAt?: string;
  readonly retryAt?: string;
  readonly postponements: number;
  readonly postponedSince?: string;
  /** The last one on this host. */
  readonly lastRun?: BatchRun;
}

/** What a status is made of. */
export interface StatusFacts {
  readonly name: string;
  readonly workType: string;
  readonly direction: BatchDirection;
  readonly timeZone: string;
  readonly schedule: Schedule | undefined;
  readonly isStarted: boolean;
  readonly isClosed: boolean;
  readonly isRunning: boolean;
  /** As it was seen last. */
  readonly known: BatchState | undefined;
  readonly lastRun: BatchRun | undefined;
  /** Unix milliseconds; undefined where it is never due, or that is not known. */
  readonly nextDueAt: number | undefined;
}

/** The status that these facts make. */
export function batchStatus(facts: StatusFacts): BatchStatus {
  const { name, workType, direction, timeZone, schedule, known, lastRun, nextDueAt } = facts;
  const { retryAt, postponedSince, postponements = 0 } = known ?? {};
  return {
    name,
    workType,
    direction,
    ...(schedule !== undefined && { schedule: schedule.said }),
    timeZone,
    state: stateOf(facts),
    ...(nextDueAt !== undefined && { nextDueAt: timeOf(nextDueAt) }),
    ...(retryAt !== undefined && { retryAt: timeOf(retryAt) }),
    postponements,
    ...(postponedSince !== undefined && { postponedSince: timeOf(postponedSince) }),
    ...(lastRun !== undefined && { lastRun }),
  };
}

function stateOf({ isClosed, isRunning, isStarted, known, nextDueAt }: StatusFacts): BatchStatus['state'] {
  if (isClosed) return 'closed';
  if (isRunning) return 'running';
  if (known?.paused === true) return 'paused';
  if (known?.holder !== undefined) return 'running-elsewhere';
  if (known?.retryAt !== undefined) return 'postponed';
  return isStarted && nextDueAt !== undefined ? 'waiting' : 'resting';
}

/** RFC 3339 of Unix milliseconds. */
export function timeOf(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
