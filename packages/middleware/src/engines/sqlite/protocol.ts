import type { EngineErrorCode } from '../engine-error.ts';

/**
 * What the engine's thread and the rest of the process say to each other. Calls and answers travel many at a
 * time: as one JSON text, and one buffer with the byte strings of all of them behind one another. That is
 * several times cheaper than a structured clone of the same objects.
 */
export interface CallTypes {
  /** Gives the scope's number, making its tables where it is new. */
  scope: { args: [application: string, group: string]; value: number };
  append: { args: [scope: number]; value: number };
  /** Before the entries come the value that the key `behind` is to have, empty where there is no such key, and that for the key. */
  appendSealed: {
    args: [scope: number, first: number, key: string, behind: string | null, now: number];
    value: boolean;
  };
  /** Runs of entries, each one byte string; the lengths of the entries in each, with commas between them. */
  read: { args: [scope: number, from: number, limit: number]; value: string[] };
  size: { args: [scope: number]; value: number };
  get: { args: [scope: number, key: string, now: number]; value: ValueRow | null };
  create: { args: [scope: number, key: string, expiresAt: number | null, now: number]; value: number | null };
  put: { args: [scope: number, key: string, expiresAt: number | null]; value: number };
  update: {
    args: [scope: number, key: string, revision: number, expiresAt: number | null, now: number];
    value: number | null;
  };
  delete: { args: [scope: number, key: string, revision: number | null, now: number]; value: boolean };
  list: { args: [scope: number, query: ListQuery, now: number]; value: ListRow[] };
  enqueue: { args: [scope: number, item: ItemRow, now: number]; value: boolean };
  claim: {
    args: [scope: number, partition: string, limit: number, leaseMs: number, holder: string, now: number];
    value: ClaimRow[];
  };
  claimOne: {
    args: [scope: number, id: string, leaseMs: number, holder: string, now: number];
    value: ClaimRow | null;
  };
  extend: { args: [scope: number, id: string, token: number, until: number]; value: boolean };
  settle: { args: [scope: number, id: string, token: number, now: number]; value: boolean };
  postpone: { args: [scope: number, id: string, token: number, notBefore: number]; value: boolean };
  deadLetter: { args: [scope: number, id: string, token: number, now: number]; value: boolean };
  revive: { args: [scope: number, item: ItemRow, token: number, now: number]; value: boolean };
  remove: { args: [scope: number, id: string, now: number]; value: boolean };
  backlog: { args: [scope: number, now: number]; value: BacklogRow[] };
  oldest: { args: [scope: number]; value: OldestRow[] };
  holdsOrderKey: { args: [scope: number, orderKey: string]; value: boolean };
  keyGet: { args: [scope: number, key: string]; value: number | null };
  keyCreate: { args: [scope: number, key: string]; value: number | null };
  keyUpdate: { args: [scope: number, key: string, revision: number]; value: number | null };
  keyDestroy: { args: [scope: number, key: string]; value: boolean };
  keyList: { args: [scope: number, after: string, limit: number]; value: KeyRow[] };
  /** Deletes what has expired, a bounded number of rows; answers whether there may be more. */
  sweep: { args: [scope: number, now: number]; value: boolean };
}

export type CallName = keyof CallTypes;

/** Keys from `from` (included) to `to` (left out). */
export type ListQuery = [from: string, to: string, limit: number, reverse: boolean];
export type ValueRow = [revision: number, expiresAt: number | null];
export type ListRow = [key: string, ...value: ValueRow];
export type KeyRow = [key: string, revision: number];
export type ItemRow = [
  id: string,
  partition: string,
  priority: number,
  position: number,
  orderKey: string | null,
  notBefore: number | null,
];
export type ClaimRow = [...item: ItemRow, token: number];
export type BacklogRow = [
  partition: string,
  items: number,
  duePriority: number | null,
  nextDueAt: number | null,
];

export type OldestRow = [partition: string, id: string, position: number];

/** The calls that change nothing: they need no lock, and after a crash nobody must wonder about them. */
const readOnly: ReadonlySet<CallName> = new Set<CallName>([
  'read',
  'size',
  'get',
  'list',
  'backlog',
  'oldest',
  'holdsOrderKey',
  'keyGet',
  'keyList',
]);

/** Whether a call may change something. */
export const isWrite = (name: CallName): boolean => !readOnly.has(name);

/** One call as it is in a batch's JSON text; its byte strings lie in the batch's buffer in the same order. */
export type PackedCall = [name: CallName, args: CallTypes[CallName]['args'], blobLengths: number[]];

/** An answer: the value and its byte strings' lengths, or a failure. */
export type PackedAnswer =
  | [value: CallTypes[CallName]['value'], blobLengths: number[]]
  | [value: null, blobLengths: [], failure: Failure];

/** Why a call, or the start, failed. */
export interface Failure {
  readonly code: EngineErrorCode;
  readonly fate: 'none' | 'unknown';
  readonly message: string;
}

/** To the thread. */
export type ToThread =
  | { readonly kind: 'calls'; readonly calls: string; readonly bytes: ArrayBuffer }
  | { readonly kind: 'close' };

/** From the thread. Answers come in the order of the calls, a batch's answers in one or more messages. */
export type FromThread =
  | { readonly kind: 'opened'; readonly identity: FileIdentities }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'answers'; readonly answers: string; readonly bytes: ArrayBuffer };

/** Which file was opened, so that another one under the same name is noticed. */
export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
}

/** The same of both files. */
export interface FileIdentities {
  readonly ledger: FileIdentity;
  readonly keys: FileIdentity;
}

/** What the thread is started with. */
export interface ThreadOptions {
  readonly directory: string;
  readonly file: string;
  /** The database of the wrapped keys. */
  readonly keysFile: string;
  readonly maxBytes: number | undefined;
  readonly busyTimeoutMs: number;
  /** Present after the first start: the files must be the same ones. */
  readonly expected: FileIdentities | undefined;
}
