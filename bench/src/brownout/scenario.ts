/** Who is asked to carry an application through it. */
export const contenders = [
  'bare Express',
  'overload-protection',
  'opossum',
  'express-rate-limit',
  'fixed concurrency limit',
  'Slackwater',
] as const;
export type Contender = (typeof contenders)[number];

/** Kinds of work, the most important first; per second on average. */
export const workTypes = { payment: 8, order: 72, report: 40 } as const;
export type WorkType = keyof typeof workTypes;
export const workTypeNames = Object.keys(workTypes) as readonly WorkType[];

/** What arrives on average, per second, of all kinds. */
export const offered = Object.values(workTypes).reduce((sum, rate) => sum + rate, 0);

/** The database: so many commits are served at a time, each of which takes so long. */
export const parallelism = 4;
export const healthyMs = 10;
export const slowdown = 20;

/** How many commits per second it serves when all is well, and while it is slow. */
export const capacity = {
  healthy: (parallelism * 1_000) / healthyMs,
  slow: (parallelism * 1_000) / (healthyMs * slowdown),
};

/** How long the three phases last, ms. */
export interface Phases {
  readonly healthyMs: number;
  readonly slowMs: number;
  readonly afterMs: number;
}

export const wholePhases: Phases = { healthyMs: 20_000, slowMs: 20_000, afterMs: 40_000 };
export const quickPhases: Phases = { healthyMs: 3_000, slowMs: 5_000, afterMs: 8_000 };

/** A call that somebody makes: nobody waits for the one before. */
export interface Arrival {
  readonly atMs: number;
  readonly workType: WorkType;
}

/** Calls as they come from many who know nothing of each other (Poisson), the same for every contender. */
export function arrivals({ healthyMs, slowMs, afterMs }: Phases): readonly Arrival[] {
  const random = randomFrom(20_261_121);
  const untilMs = healthyMs + slowMs + afterMs;
  const all = workTypeNames.flatMap((workType) => {
    const mine: Arrival[] = [];
    const gap = (): number => (-Math.log(1 - random()) * 1_000) / workTypes[workType];
    for (let atMs = gap(); atMs < untilMs; atMs += gap()) mine.push({ atMs, workType });
    return mine;
  });
  return all.sort((a, b) => a.atMs - b.atMs);
}

/** Mulberry32: numbers from 0 to 1 that are the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
