import type { DeferralPhase, DeferralStatus, EntryType } from '@slackwater/shared';

// The life of a deferral, by its entries alone. It says the same as the ledger's own reading of them, which a test holds it to; the
// index has one of its own because its thread may import nothing but Node.

/** What an entry says, as far as the index reads it. */
export interface EntryFacts {
  readonly type: EntryType;
  readonly id: string;
  readonly at: string;
  readonly method: string;
  readonly route: string;
  readonly workType: string;
  readonly partition: string;
  readonly requester: string;
  readonly attempt?: number;
  readonly postponements?: number;
  readonly outcomeKnown?: boolean;
  readonly retryAt?: string;
  readonly error?: string;
  /** There in entries about runs of operations, and in no others. */
  readonly step?: unknown;
}

/** What changes in the life of a deferral. */
export interface Life {
  readonly status: DeferralStatus;
  readonly phase: DeferralPhase;
  readonly attempts: number;
  readonly postponements: number;
  /** Unix milliseconds. */
  readonly updatedAt: number;
  readonly outcomeKnown: boolean | undefined;
  readonly error: string | undefined;
}

/** How a life begins. */
export function begunAt(at: number): Life {
  return {
    status: 'NotStarted',
    phase: 'queued',
    attempts: 0,
    postponements: 0,
    updatedAt: at,
    outcomeKnown: undefined,
    error: undefined,
  };
}

/** A life after another entry about it; the same object where that changes nothing. */
export function lived(life: Life, entry: EntryFacts): Life {
  if (life.phase === 'settled') return life;
  const attempt = entry.attempt ?? 0;
  const late = attempt < life.attempts;
  const next = { ...life, updatedAt: Date.parse(entry.at) };
  const { error } = entry;
  switch (entry.type) {
    case 'performing':
      if (attempt <= life.attempts) return life;
      return { ...next, status: 'Running', phase: 'performing', attempts: attempt, error: undefined };
    case 'postponed': {
      const postponements = Math.max(life.postponements, entry.postponements ?? 0);
      return late ? { ...next, postponements } : { ...next, postponements, phase: 'postponed' };
    }
    case 'performed': {
      const outcomeKnown = entry.outcomeKnown ?? true;
      return { ...next, phase: 'settled', status: 'Succeeded', outcomeKnown, error: undefined };
    }
    case 'failed':
      if (entry.retryAt === undefined) return { ...next, phase: 'settled', status: 'Failed', error };
      return late ? life : { ...next, status: 'Running', phase: 'retrying', error };
    case 'parked':
      return late ? life : { ...next, phase: 'parked', error };
    case 'redriven': {
      if (late || life.phase !== 'parked') return life;
      return { ...next, phase: attempt > 0 ? 'retrying' : 'queued', error: undefined };
    }
    case 'canceled':
      return { ...next, phase: 'settled', status: 'Canceled', error };
    default:
      return life;
  }
}

/** Whether the deferral was refused because its records are not what was recorded. */
export function isCorrupt({ phase, error }: Pick<Life, 'phase' | 'error'>): boolean {
  return phase === 'parked' && error === 'record-corrupt';
}
