import { ClientError } from './client-error.ts';

/** A signed head of a ledger, as evidence. */
export interface CheckpointEvidence {
  readonly origin: string;
  readonly size: number;
  /** Root hash, base64. */
  readonly root: string;
  /** The signed note, verbatim (C2SP). */
  readonly note: string;
}

/**
 * `ledger-forked`: the ledger's key has signed two heads of which neither is the beginning of the other. Whoever has both notes and the
 * verifier key can show it to anybody.
 */
export class LedgerForkError extends ClientError {
  /** The head that was seen before. */
  readonly before: CheckpointEvidence;
  /** The head that does not go on from it. */
  readonly after: CheckpointEvidence;

  constructor(before: CheckpointEvidence, after: CheckpointEvidence, what: string) {
    super(
      'ledger-forked',
      `The ledger ${after.origin} was rewritten: ${what}. Keep both checkpoints of this error: they are signed, and prove it.`,
    );
    this.before = before;
    this.after = after;
  }
}
