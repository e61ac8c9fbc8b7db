import type { LifeCounts } from './ledger-lives.ts';
import { lifeFaults } from './life-rules.ts';
import { runFaults } from './run-rules.ts';

/** What can be wrong with a ledger. `docs/reference/errors.md` says what each means. */
export const ledgerFaults = [
  // what the caller gave
  'verifier-key-malformed',
  'old-checkpoint-malformed',
  'old-checkpoint-unverified',
  'input-unreadable',
  // a block by itself
  'block-malformed',
  'height-differs',
  'previous-differs',
  'range-differs',
  'checkpoint-malformed',
  'checkpoint-unverified',
  'checkpoint-differs',
  // entries
  'entry-not-bytes',
  'entry-missing',
  'entry-unsealed',
  'root-differs',
  'entry-malformed',
  // what entries say of a deferral
  ...lifeFaults,
  // what they say of a run of an operation
  ...runFaults,
  // against the old checkpoint
  'old-checkpoint-differs',
  'truncated',
] as const;

/** One of {@link ledgerFaults}. */
export type LedgerFault = (typeof ledgerFaults)[number];

/** The ledger is what its signer sealed. */
export interface LedgerVerified {
  readonly ok: true;
  /** Number of entries. */
  readonly size: number;
  /** RFC 6962 root over all of them, 32 bytes. */
  readonly root: Uint8Array;
  /** Number of blocks. */
  readonly blocks: number;
  /** Origin of the newest checkpoint; absent in an empty ledger. */
  readonly origin?: string;
  /** Whom it was verified against: the keys that were given, and those that its `key-rotated` entries put in force after them. */
  readonly verifierKeys: readonly string[];
  /** What became of its deferrals. */
  readonly lives: LifeCounts;
}

/** The first thing that is wrong with the ledger. */
export interface LedgerRefused {
  readonly ok: false;
  readonly fault: LedgerFault;
  /** The facts, for people. */
  readonly message: string;
  /** Height of the first bad block. */
  readonly height?: number;
  /** Position of the first bad entry, as exactly as can be told. */
  readonly index?: number;
}

/** What became of a verification. */
export type LedgerReport = LedgerVerified | LedgerRefused;
