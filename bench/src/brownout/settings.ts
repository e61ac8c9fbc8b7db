import {
  type Contender,
  capacity,
  healthyMs,
  offered,
  parallelism,
  slowdown,
  workTypes,
} from './scenario.ts';

/** What those who shed load tell callers. */
export const retryAfterS = 1;

/** Best of those that were tried: 4, 8 and 16 at a time; opossum's timeout 0.5, 1, 2 and 4 s; 1 and 1.25 times what is offered. */
export const best = { concurrency: 16, breakerTimeoutMs: 4_000, perSecond: offered * 1.25 } as const;

/**
 * How patient callers are: for one attempt, how often they repeat, and, with the client SDK, for how long in all. After the last phase calls that are
 * under way are given so much more time.
 */
export const patience = { attemptMs: 5_000, retries: 5, deadlineMs: 60_000, graceMs: 10_000 } as const;

const contenders: Readonly<Record<Contender, string>> = {
  'bare Express': 'nothing in front',
  'overload-protection': 'its defaults: 503 and Retry-After: 1 while the event loop is later than 42 ms',
  opossum: `one breaker around the write; opens at 50 % errors of at least 10 in 5 s, a write that takes ${best.breakerTimeoutMs / 1_000} s being one; half open after 1 s; 503 and Retry-After: 1 while open`,
  'express-rate-limit': `${best.perSecond} requests a second for all callers together, 1.25 times what is offered; 429 and Retry-After: 1 above`,
  'fixed concurrency limit': `${best.concurrency} requests at a time, four times what the database serves; 503 and Retry-After: 1 above`,
  Slackwater:
    'payments exempt; orders deferred above 150 ms; reports retried later above 100 ms; embedded engine; else its defaults',
};

/** How everything is set, in words. */
export const settings: Readonly<Record<string, string>> = {
  ...contenders,
  'callers of the others': `axios with axios-retry: ${patience.attemptMs / 1_000} s for an attempt; ${patience.retries} repetitions of what was lost, timed out, or answered 408, 429 or 5xx; exponential back-off from 0.4 s with jitter, not before Retry-After`,
  'callers of Slackwater': `its client SDK: ${patience.attemptMs / 1_000} s for an attempt, ${patience.deadlineMs / 1_000} s in all; orders are known to be done once (serverKeepsKeys); else its defaults`,
  'what is called': `${Object.entries(workTypes)
    .map(([workType, perSecond]) => `${perSecond} ${workType}s`)
    .join(
      ', ',
    )} a second, as from many who know nothing of each other (Poisson, the same calls for each contender)`,
  database: `PostgreSQL with fsync; ${parallelism} commits are served at a time, each in ${healthyMs} ms, so ${capacity.healthy} a second; ${slowdown} times as long while it is slow, so ${capacity.slow} a second; a pool of 10 connections, waited for 5 s`,
};
