import type { CountQuery, IndexCounts, IndexPage, IndexQuery } from './contract.ts';
import type { RowCounts } from './count-rows.ts';
import type { ListCursor } from './list-cursor.ts';

/** What the index's thread is started with. */
export interface IndexThreadOptions {
  /** The file; empty for a temporary one without a name. */
  readonly path: string;
  /** Of which ledger. */
  readonly ledger: string;
}

/** How far the index's file has come. */
export interface IndexState {
  readonly entries: number;
  /** SHA-256 of the newest entry, hexadecimal; empty before the first. */
  readonly newest: string;
  readonly unreadable: number;
  readonly deferrals: number;
  readonly corrupt: number;
  readonly parked: number;
  readonly bytes: number;
}

/** The calls that the thread takes, and what it answers. Each is one at a time, in their order. */
export interface IndexCalls {
  state: { args: []; value: IndexState };
  /** Neighbouring entries, behind one another in one buffer. Gives how many were read by then. */
  write: { args: [from: number, lengths: readonly number[], bytes: ArrayBuffer]; value: number };
  list: { args: [query: IndexQuery, at: ListCursor | undefined]; value: IndexPage };
  count: { args: [query: CountQuery, at: ListCursor | undefined]; value: IndexCounts };
  /** The rows below a position, as far as one call goes. */
  countRows: { args: [query: CountQuery, ceiling: number]; value: RowCounts };
  /** The positions of a deferral's entries, in their order; none where it is not known. */
  entriesOf: {
    args: [id: string];
    value: { readonly positions: readonly number[]; readonly entries: number };
  };
  /** Throws the index away and begins it again. */
  reset: { args: []; value: undefined };
}

/** The name of a call. */
export type IndexCallName = keyof IndexCalls;

/** To the thread. */
export type ToIndexThread =
  | {
      readonly kind: 'call';
      readonly number: number;
      readonly name: IndexCallName;
      readonly args: readonly unknown[];
    }
  | { readonly kind: 'close' };

/** From the thread. */
export type FromIndexThread =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly failure: string };
