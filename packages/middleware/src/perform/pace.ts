import type { AttemptEnd } from './attempt.ts';

/**
 * How many deferrals of a partition may be performed at once: from 1, up with success while there is room, down at trouble. Below
 * 1: one at a time, with a rest after each.
 */
export interface Pace {
  readonly limit: number;
  /** How often in a row the engine or the database was in trouble. */
  readonly troubles: number;
}

/** A partition is approached gently: it has just been slow. */
export const firstPace: Pace = { limit: 1, troubles: 0 };

/** However many hosts drain at once, each does so much at least: one deferral in so many times of its own. */
const leastLimit = 1 / 32;
/** Up to this strain the pace is raised; from the other one on it is lowered. */
const roomUpTo = 0.5;
const strainedFrom = 0.75;

/**
 * The pace after an item ended.
 *
 * @param strain the partition's latency as a share of what it may be before work is postponed there; 0 where it is not known
 */
export function paceAfter(pace: Pace, end: AttemptEnd, maxConcurrency: number, strain = 0): Pace {
  if (end === 'idle') return pace;
  if (end === 'well') return { limit: under(strain, pace.limit, maxConcurrency), troubles: 0 };
  return { ...pace, limit: halved(pace.limit) };
}

/** The pace after the engine did not do what it was asked. */
export function paceAfterTrouble(pace: Pace): Pace {
  return { limit: halved(pace.limit), troubles: pace.troubles + 1 };
}

/** How many may be under way at this pace. */
export function atOnce({ limit }: Pick<Pace, 'limit'>): number {
  // Shares of a third do not add up to one exactly.
  return Math.max(1, Math.floor(limit + 1e-9));
}

/** How long to rest after an item that took so long, ms. */
export function restMs({ limit }: Pace, tookMs: number): number {
  return limit < 1 ? tookMs * (1 / limit - 1) : 0;
}

/** A round of successes adds one, and under strain takes a third away. */
function under(strain: number, limit: number, maxConcurrency: number): number {
  const each = 1 / atOnce({ limit });
  if (strain < roomUpTo) return Math.min(maxConcurrency, limit + each * Math.min(1, limit));
  if (strain < strainedFrom) return limit;
  return Math.max(leastLimit, limit * (1 - each / 3));
}

function halved(limit: number): number {
  return Math.max(leastLimit, Math.min(limit, Math.max(1, limit / 2)));
}
