import type { ClientErrorFacts } from '../errors/client-error.ts';
import { type CallHistory, factsOf } from '../errors/facts.ts';
import { BodyNotRepeatableError, DeadlineExceededError, RetriesExhaustedError } from '../errors/waiting.ts';
import type { RetryDecision } from './decide.ts';
import { retryWaitMs } from './delay.ts';
import type { UnderWay } from './under-way.ts';

/** The decision to repeat an attempt. */
export type Repetition = Extract<RetryDecision, { action: 'retry' }>;

/** When an attempt that failed may be repeated; where it may not, what the call ends with, or undefined for the failure itself. */
export type Turn =
  | { readonly comes: true; readonly inMs: number }
  | { readonly comes: false; readonly end: Error | undefined };

/** Says when the next attempt may be sent, and takes it off the retry budget. `isAnswered`: whether the last one failed by an answer. */
export function nextTurn(call: UnderWay, decision: Repetition, isAnswered: boolean): Turn {
  const { limits, sending } = call;
  const { options } = sending;
  const { history } = limits;
  if (!call.passage.isRepeatable) {
    return { comes: false, end: new BodyNotRepeatableError(failed(history)) };
  }
  const shortage = decision.askedMs === undefined ? shortageOf(call) : undefined;
  if (shortage !== undefined) {
    // An answer that came is the caller's to read. Without one, only this tells why it ended.
    if (isAnswered) return { comes: false, end: undefined };
    const facts = failed(history);
    const { cause } = facts;
    const what = cause instanceof Error ? cause.message : 'it failed';
    const message = `No answer in ${history.attempts} attempts, and ${shortage}: ${what}`;
    return { comes: false, end: new RetriesExhaustedError(message, { ...facts, retryable: true }) };
  }
  const { runtime } = options;
  const waitMs = retryWaitMs(options, history.attempts, decision.askedMs, runtime.random());
  if (waitMs < limits.remainingMs()) return { comes: true, inMs: waitMs };
  const retryAt = laterBy(runtime.wallMs(), Math.max(waitMs, decision.askedMs ?? 0));
  const end = new DeadlineExceededError(
    `The next attempt (${decision.reason}) would come in ${Math.ceil(waitMs)} ms, after the deadline of ${options.deadlineMs} ms.`,
    { ...failed(history), retryable: true, retryAt },
  );
  return { comes: false, end };
}

function failed(history: CallHistory): ClientErrorFacts {
  const facts = factsOf(history);
  return { ...facts, cause: facts.lastError };
}

/** Why there is no retry left of those that the server did not ask for; undefined where there is one, which is then taken. */
function shortageOf(call: UnderWay): string | undefined {
  const { sending, target } = call;
  const { maxRetries, runtime } = sending.options;
  if (call.unaskedRetries >= maxRetries) return `maxRetries is ${maxRetries}`;
  const budget = sending.machinery.lanes.budgetOf(target);
  if (!budget.withdraw(runtime.steadyMs())) return 'the retry budget of this client is used up';
  call.unaskedRetries += 1;
  return undefined;
}

const latestDateMs = 8.64e15;

/** That many milliseconds later, at most the last instant that a Date can hold. */
export function laterBy(wallMs: number, waitMs: number): Date {
  return new Date(Math.min(latestDateMs, wallMs + waitMs));
}
