import type { Deferral } from '../../ledger/deferral.ts';
import type { PerformError } from '../performer-events.ts';

/** What is known of that for which a part or a compensation is held. */
export type HoldFacts =
  | {
      readonly of: 'part';
      /** The deferral whose attempt deferred it; undefined where nothing is known of it any more. */
      readonly parent: ParentFacts | undefined;
      /** The attempt that deferred it. */
      readonly attempt: number;
    }
  | { readonly of: 'compensation'; readonly parent: ParentFacts | undefined }
  | {
      readonly of: 'request';
      /** This process performs it, and will say how it ended. */
      readonly underWay: boolean;
      /** For how long it has been held, ms. */
      readonly heldMs: number;
      readonly holdPartsMs: number;
      /** What the completion rows say: `none` where it writes none, `unknown` where they can't be asked. */
      readonly rows: 'done' | 'not-done' | 'none' | 'unknown';
    };

type ParentFacts = Pick<Deferral, 'phase' | 'status' | 'attempts' | 'outcomeKnown' | 'error'>;

/** What becomes of it now. */
export type HoldVerdict =
  | { readonly is: 'held' }
  | { readonly is: 'released' }
  | { readonly is: 'canceled'; readonly error: PerformError };

const held: HoldVerdict = { is: 'held' };
const released: HoldVerdict = { is: 'released' };

/**
 * Whether a part or a compensation may be performed. A part may when its request has succeeded, by the attempt that deferred
 * it; a compensation when its request can't any more. Where nobody can say how a request ended that wrote no completion rows, its parts
 * are performed: its caller may have been told that they wait.
 */
export function judgeHold(facts: HoldFacts): HoldVerdict {
  switch (facts.of) {
    case 'part':
      return judgePart(facts.parent, facts.attempt);
    case 'compensation':
      return judgeCompensation(facts.parent);
    case 'request':
      return judgeRequest(facts);
    default:
      return facts satisfies never;
  }
}

function judgePart(parent: ParentFacts | undefined, attempt: number): HoldVerdict {
  if (parent === undefined) return released;
  if (parent.phase !== 'settled') return held;
  if (parent.status !== 'Succeeded')
    return failed(`its request came to nothing: ${parent.error?.code ?? ''}`);
  // Where the answer is not known, nor is it which attempt did the work.
  if (parent.outcomeKnown !== false && parent.attempts !== attempt) {
    return failed(`attempt ${attempt} deferred it, and attempt ${parent.attempts} is the one that succeeded`);
  }
  return released;
}

function judgeCompensation(parent: ParentFacts | undefined): HoldVerdict {
  if (parent === undefined) return released;
  if (parent.phase !== 'settled') return held;
  if (parent.status !== 'Succeeded') return released;
  const message = 'Its request succeeded after all: there is nothing to undo.';
  return { is: 'canceled', error: { code: 'compensation-not-needed', message } };
}

function judgeRequest({
  underWay,
  heldMs,
  holdPartsMs,
  rows,
}: Extract<HoldFacts, { of: 'request' }>): HoldVerdict {
  // A row says that one transaction was committed, and not that the request is over.
  if (underWay || heldMs < holdPartsMs || rows === 'unknown') return held;
  if (rows === 'done' || rows === 'none') return released;
  return failed('none of its transactions was committed');
}

function failed(why: string): HoldVerdict {
  return {
    is: 'canceled',
    error: {
      code: 'request-failed',
      message: `The request that deferred it did not succeed: ${why}.`,
    },
  };
}
