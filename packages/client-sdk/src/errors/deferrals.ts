import type { ErrorCode, Problem } from '@slackwater/shared';
import { ClientError, type ClientErrorFacts } from './client-error.ts';

/** `deferral-failed`: the work failed for good and left no outcome. `reason` is the deferral's own error. */
export class DeferralFailedError extends ClientError {
  readonly id: string;
  readonly reason: { readonly code: ErrorCode; readonly message: string } | undefined;

  constructor(id: string, reason: { readonly code: ErrorCode; readonly message: string } | undefined) {
    super(
      'deferral-failed',
      `Deferral ${id} failed: ${reason?.code ?? 'unknown'}, ${reason?.message ?? 'no reason given'}`,
    );
    this.id = id;
    this.reason = reason;
  }
}

/** `deferral-canceled`: it was canceled before it was performed; the work was not done. */
export class DeferralCanceledError extends ClientError {
  readonly id: string;

  constructor(id: string) {
    super('deferral-canceled', `Deferral ${id} was canceled before it was performed.`);
    this.id = id;
  }
}

/** A status resource refused its caller for good. */
class RefusedByStatusError extends ClientError {
  /** The HTTP status. */
  readonly status: number;

  constructor(code: ErrorCode, message: string, status: number, facts?: ClientErrorFacts) {
    super(code, message, facts);
    this.status = status;
  }
}

/** `not-found`: there is no such deferral, or it is not the caller's to see. */
export class DeferralNotFoundError extends RefusedByStatusError {
  constructor(id: string | undefined, status = 404) {
    const which = id === undefined || id === '' ? 'no such deferral' : `no deferral ${id}`;
    super(
      'not-found',
      `There is ${which}, or it is not yours to see: ask with the capability of its 202 (client.deferral takes what toString() of its poller gave), or as its requester.`,
      status,
    );
  }
}

/** `not-cancelable`: it is being performed, is settled, or was answered at once. */
export class NotCancelableError extends RefusedByStatusError {
  constructor(message: string) {
    super('not-cancelable', message, 409);
  }
}

/**
 * `input-refused`: the operation doesn't take the input, or the server says otherwise why not, by `problem.code`: `input-differs` (another value was given for that label
 * before), `operation-settled` (it takes no inputs any more).
 */
export class InputNotTakenError extends RefusedByStatusError {
  override readonly problem: Problem;

  constructor(problem: Problem, status: number) {
    super(
      'input-refused',
      `The operation does not take the input (${problem.code}): ${problem.detail}`,
      status,
    );
    this.problem = problem;
  }
}

/** `status-refused`: something refuses to tell of the deferral; `status` is what it answered. */
export class StatusRefusedError extends RefusedByStatusError {
  constructor(id: string, status: number, facts?: ClientErrorFacts) {
    const moved = status >= 300 && status < 400;
    const why = moved
      ? 'a redirect, which is not followed, so that credentials go nowhere else'
      : 'see whether something before the gate wants other credentials';
    super(
      'status-refused',
      `The server refuses to tell of deferral ${id}: status ${status} (${why}).`,
      status,
      facts,
    );
  }
}
