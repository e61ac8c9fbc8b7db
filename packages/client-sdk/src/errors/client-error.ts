import { type ErrorCode, type Problem, SlackwaterError } from '@slackwater/shared';
import { type FailureFacts, noFacts } from './facts.ts';
import { redact } from './redact.ts';

/** What an error of this client is made from: its facts, as far as they are known. */
export interface ClientErrorFacts extends Partial<FailureFacts> {
  /** See {@link ClientError.resume}. */
  readonly resume?: string | undefined;
  readonly cause?: unknown;
}

/** The base of every error that this client throws by itself. No message and no JSON of it has a capability. */
export class ClientError extends SlackwaterError implements FailureFacts {
  readonly retryable: boolean;
  readonly retryAt: Date | undefined;
  readonly attempts: number;
  readonly waitsMs: readonly number[];
  readonly problem: Problem | undefined;
  /** Not enumerable: it has headers and bodies of requests in it. */
  declare readonly lastError: unknown;
  /**
   * What `client.deferral(...)` takes to go on waiting, also in another process; undefined where nothing was
   * deferred. It carries the capability: keep it like a password. Not enumerable.
   */
  declare readonly resume: string | undefined;

  constructor(code: ErrorCode, message: string, facts: ClientErrorFacts = {}) {
    super(code, redact(message), facts.cause === undefined ? undefined : { cause: facts.cause });
    const { retryable, retryAt, attempts, waitsMs, problem, lastError } = { ...noFacts, ...facts };
    this.retryable = retryable;
    this.retryAt = retryAt;
    this.attempts = attempts;
    this.waitsMs = waitsMs;
    this.problem = problem;
    Object.defineProperty(this, 'lastError', { value: lastError ?? facts.cause, enumerable: false });
    Object.defineProperty(this, 'resume', { value: facts.resume, enumerable: false });
  }
}
