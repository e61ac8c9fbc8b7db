import type { Because } from './because.ts';
import { type OperationStep, operationEntryTypes } from './operation-entry.ts';
import type { TaskFailing } from './task-failing.ts';

/** What can happen to a record. Each happening is one entry of the ledger. */
export const entryTypes = [
  'accepted',
  'postponed',
  'performing',
  'performed',
  'failed',
  'parked',
  'canceled',
  'redriven',
  'overdue',
  'released',
  'revealed',
  'erased',
  'work-type-changed',
  'key-rotated',
  'task-failing',
  ...operationEntryTypes,
] as const;

/** One of {@link entryTypes}. */
export type EntryType = (typeof entryTypes)[number];

/**
 * What stands for the method in the entries of deferrals that are no requests: a part that a handler deferred (its route is the
 * part's name), and the compensation of a request whose success was announced. No HTTP parser takes these for methods.
 */
export const ownMethods = { part: 'PART', compensation: 'COMPENSATE' } as const;

/** A value as JSON has it. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Members of a work type, by name. */
export type WorkTypeValues = Readonly<Record<string, JsonValue>>;

/** What changed of one work type: the members concerned, as they were and as they are from then on. */
export interface WorkTypeChange {
  readonly before: WorkTypeValues;
  readonly after: WorkTypeValues;
  /** All that was ever changed while running is taken back: from then on the configuration counts. */
  readonly reset?: boolean;
}

/**
 * One entry of the ledger. On disk and under the hash it is its canonical JSON (RFC 8785) in UTF-8.
 * `docs/ledger-format.md` describes it byte for byte.
 */
export interface LedgerEntry {
  readonly v: 1;
  readonly type: EntryType;
  /** The deferral's ULID, or that of an operation's run; of `work-type-changed` and `task-failing` its own. */
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly group: string;
  readonly application: string;
  readonly method: string;
  /** The route's pattern, never the path itself. */
  readonly route: string;
  readonly workType: string;
  readonly partition: string;
  /** A random pseudonym. */
  readonly requester: string;
  readonly reasons: readonly string[];
  /** `accepted`: base64 of SHA-256(salt || payload). */
  readonly payload?: string;
  /** `accepted`, `overdue`: by when it was promised to be performed, or to be reported. Absent where nothing was promised. */
  readonly deadlineAt?: string;
  /** `accepted`: what led to the decision. */
  readonly because?: Because;
  /**
   * `accepted`: the run of an operation that answers it; or the deferral whose part or compensation it is; of a part of a request that was performed at once an id that all
   * its parts have, and nothing else. Such a one is held until an entry `released`.
   */
  readonly parent?: string;
  /** `accepted`: its caller was told at once that it has succeeded. */
  readonly acknowledged?: 'succeeded';
  /** `performing`, `performed`, `failed`, `parked`, `redriven`: the attempt, or the last one before it, from 1. */
  readonly attempt?: number;
  /** `postponed`: how often by now. */
  readonly postponements?: number;
  /** `performed`, `failed`, `parked`: the route's status code. */
  readonly status?: number;
  /** `performed`, `failed`, `parked`: base64 of SHA-256(salt || outcome). Absent where the outcome is not known. */
  readonly outcome?: string;
  /** `performed`: false where the work is known to be done and the route's answer was lost. */
  readonly outcomeKnown?: boolean;
  /** `failed`: present where the attempt failed and the route will be tried again, not before then. */
  readonly retryAt?: string;
  /** `failed`, `parked`, `canceled`: an error code. */
  readonly error?: string;
  /** `redriven`: its route is begun anew although some of its transactions are done. Absent: false. */
  readonly repeat?: boolean;
  /** `redriven`, `revealed`, `erased`, `key-rotated`, `work-type-changed`: who did it, `token:<subject>` or `code:<name>`. */
  readonly by?: string;
  /** `performed`, `failed`: which records the attempt was read from, `mapping`, `first` and `second`; absent where it read none. */
  readonly readFrom?: readonly string[];
  /** `revealed`: names of the parameters that were shown in plain text. */
  readonly parameters?: readonly string[];
  /** `revealed`, `erased`: what for, in the words of whoever asked. */
  readonly purpose?: string;
  /** `key-rotated`: the signed note by which one signing key takes over from another (`verifyRotation`). */
  readonly rotation?: string;
  /** `key-rotated`: the version of the key-encryption key that is in force from then on. */
  readonly keyVersion?: number;
  /** `work-type-changed`: what changed, by work type. */
  readonly changes?: Readonly<Record<string, WorkTypeChange>>;
  /** What happened to an operation of dependent tasks: in all entries about one, and in no other. */
  readonly step?: OperationStep;
  /** `task-failing`: which tasks failed how often. */
  readonly failing?: TaskFailing;
}

/** A sealed run of entries. Its hash is SHA-256 over the canonical JSON without `checkpoint`. */
export interface LedgerBlock {
  readonly v: 1;
  /** From 0. */
  readonly height: number;
  /** Hash of the block before, base64; 32 zero bytes for height 0. */
  readonly previous: string;
  /** Index of its first entry. */
  readonly first: number;
  /** Index of its last entry. */
  readonly last: number;
  /** Entries in the tree up to and with this block. */
  readonly size: number;
  /** RFC 6962 root of that tree, base64. */
  readonly root: string;
  readonly sealedAt: string;
  /** C2SP checkpoint: a signed note. */
  readonly checkpoint: string;
}
