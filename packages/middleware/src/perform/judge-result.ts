import type { Outcome } from '../ledger/deferral.ts';
import type { PerformError } from './performer-events.ts';
import type { ReplayResult } from './replay.ts';

/** What a replay's result means for its deferral. */
export type Verdict =
  | {
      readonly is: 'performed';
      /** Undefined where the route's answer was too long to keep. */
      readonly outcome: Outcome | undefined;
      readonly status: number;
    }
  /** The route refused it for good: shut out, then failed. */
  | { readonly is: 'refused'; readonly outcome: Outcome | undefined; readonly error: PerformError }
  /** The completion rows must say whether the work was done; if not, it is tried again. */
  | {
      readonly is: 'uncertain';
      readonly outcome: Outcome | undefined;
      readonly error: PerformError;
      /** The driver met a completion row of another attempt. */
      readonly metRow?: true;
    }
  /** This process has no such route; another one may. */
  | { readonly is: 'elsewhere'; readonly error: PerformError }
  /** Another attempt would meet the same; a person has to look. */
  | { readonly is: 'parked'; readonly error: PerformError }
  /** Nothing more is to be done before a run of an operation has ended. */
  | { readonly is: 'left-to-run'; readonly error: PerformError }
  /** Not this process's business any more. */
  | { readonly is: 'left' };

/** Client errors that are about the moment, not about the request (RFC 9110, RFC 8470, RFC 6585). */
const worthAnotherTry = new Set([408, 425, 429]);

/**
 * Judges a result by itself. An answer is believed only where the driver met no completion row of another
 * attempt: a handler that swallowed that error answers for work that was rolled back.
 *
 * @param duplicate whether the driver met such a row
 */
export function judgeResult(result: ReplayResult, duplicate: boolean): Verdict {
  switch (result.kind) {
    case 'answered':
      return judgeStatus(result.outcome.status, result.outcome, duplicate);
    case 'answered-too-large':
      return judgeStatus(result.status, undefined, duplicate);
    case 'broken':
      return uncertain('route-failed', result.message);
    case 'timed-out':
      return uncertain('attempt-timed-out', 'The route did not answer in time.');
    case 'route-missing':
      return {
        is: 'elsewhere',
        error: { code: 'route-missing', message: 'No route of the application matches.' },
      };
    case 'refused':
      return { is: 'parked', error: result.error };
    case 'left-to-run':
      return {
        is: 'left-to-run',
        error: { code: 'operation-running', message: 'The operation that it started goes on.' },
      };
    case 'aborted':
      return { is: 'left' };
    default:
      return result satisfies never;
  }
}

function judgeStatus(status: number, outcome: Outcome | undefined, duplicate: boolean): Verdict {
  if (duplicate) {
    return {
      ...uncertain('route-failed', 'Another attempt had done the work, or was shut out.'),
      metRow: true,
    };
  }
  if (status < 400) return { is: 'performed', outcome, status };
  const message = `The route answered ${status}.`;
  if (status < 500 && !worthAnotherTry.has(status)) {
    return { is: 'refused', outcome, error: { code: 'route-refused', message } };
  }
  return { is: 'uncertain', outcome, error: { code: 'route-failed', message } };
}

function uncertain(
  code: 'route-failed' | 'attempt-timed-out',
  message: string,
): Extract<Verdict, { is: 'uncertain' }> {
  return { is: 'uncertain', outcome: undefined, error: { code, message } };
}
