import type { Limits } from '../call/limits.ts';
import { factsOf } from '../errors/facts.ts';
import { DeadlineExceededError } from '../errors/waiting.ts';

/** What a wait for a deferral ends with before it is begun, where it would pass its deadline. */
export function tooLate(
  { history }: Limits,
  waitMs: number,
  why: string,
  wallMs: number,
  resume: string,
): DeadlineExceededError {
  return new DeadlineExceededError(
    `The next status request would come in ${Math.ceil(waitMs)} ms, after the deadline (${why}). Go on later with client.deferral(error.resume).`,
    { ...factsOf(history), retryable: true, retryAt: new Date(wallMs + waitMs), resume },
  );
}
