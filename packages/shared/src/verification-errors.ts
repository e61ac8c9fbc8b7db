import { SlackwaterError } from './errors.ts';

/** Code `canonical-json-refused`: a value has no canonical JSON. The message names the path to the offending part. */
export class CanonicalJsonError extends SlackwaterError {
  constructor(path: string, problem: string) {
    super('canonical-json-refused', `${path} ${problem}`);
  }
}

/** Code `note-malformed`: not a C2SP signed note. */
export class NoteMalformedError extends SlackwaterError {
  constructor(problem: string) {
    super('note-malformed', `not a signed note: ${problem}`);
  }
}

/** Code `note-unverified`: a signed note without a valid signature by a known key, or with an invalid one. */
export class NoteUnverifiedError extends SlackwaterError {
  constructor(problem: string) {
    super('note-unverified', `the note is not verified: ${problem}`);
  }
}

/** Code `verifier-key-malformed`: not a C2SP verifier key of an Ed25519 key. */
export class VerifierKeyError extends SlackwaterError {
  constructor(problem: string) {
    super('verifier-key-malformed', `not a verifier key: ${problem}`);
  }
}

/** Code `checkpoint-malformed`: not a C2SP checkpoint. */
export class CheckpointMalformedError extends SlackwaterError {
  constructor(problem: string, options?: ErrorOptions) {
    super('checkpoint-malformed', `not a checkpoint: ${problem}`, options);
  }
}

/** Code `receipt-malformed`: not a C2SP tlog-proof. */
export class ReceiptMalformedError extends SlackwaterError {
  constructor(problem: string, options?: ErrorOptions) {
    super('receipt-malformed', `not a receipt: ${problem}`, options);
  }
}

/** Code `receipt-unverified`: the receipt does not prove that the entry is in the ledger. */
export class ReceiptUnverifiedError extends SlackwaterError {
  constructor(problem: string) {
    super('receipt-unverified', `the receipt proves nothing about this entry: ${problem}`);
  }
}

/** Code `entry-malformed`: not the bytes of a ledger entry. */
export class EntryMalformedError extends SlackwaterError {
  constructor(problem: string, options?: ErrorOptions) {
    super('entry-malformed', `not a ledger entry: ${problem}`, options);
  }
}

/** Code `block-malformed`: not the text of a ledger block. */
export class BlockMalformedError extends SlackwaterError {
  constructor(problem: string, options?: ErrorOptions) {
    super('block-malformed', `not a ledger block: ${problem}`, options);
  }
}

/** Code `tile-malformed`: not the bytes of a C2SP hash tile or entry bundle. */
export class TileMalformedError extends SlackwaterError {
  constructor(problem: string) {
    super('tile-malformed', `not a tile: ${problem}`);
  }
}
