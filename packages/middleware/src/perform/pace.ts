import type { AttemptEnd } from './attempt.ts';

/** How many deferrals of a partition may be performed at once: from 1, up with success, down at trouble. */
export interface Pace {
  readonly limit: number;
  /** How often in a row the engine or the database was in trouble. */
  readonly troubles: number;
}

/** A partition is approached gently: it has just been slow. */
export const firstPace: Pace = { limit: 1, troubles: 0 };

/** The pace after an item ended. */
export function paceAfter(pace: Pace, end: AttemptEnd, maxConcurrency: number): Pace {
  if (end === 'idle') return pace;
  if (end === 'well') return { limit: Math.min(pace.limit + 1, maxConcurrency), troubles: 0 };
  return { ...pace, limit: halved(pace.limit) };
}

/** The pace after the engine did not do what it was asked. */
export function paceAfterTrouble(pace: Pace): Pace {
  return { limit: halved(pace.limit), troubles: pace.troubles + 1 };
}

function halved(limit: number): number {
  return Math.max(1, Math.floor(limit / 2));
}
