import type { CallName, CallTypes } from './protocol.ts';

/** What a call gives back: its value, and byte strings where the call has any to give. */
export interface Reply<Value> {
  readonly value: Value;
  readonly blobs?: readonly Uint8Array[];
}

/** Performs one kind of call, inside a transaction. */
export type Handler<Name extends CallName> = (
  args: CallTypes[Name]['args'],
  blobs: readonly Uint8Array[],
) => Reply<CallTypes[Name]['value']>;

/** The handlers of the calls that are named. */
export type Handlers<Name extends CallName> = { readonly [Each in Name]: Handler<Each> };

/**
 * Beyond that many bytes an answer gets no further entries: a caller who asks for a lot gets it in several
 * pieces, and neither thread has to hold it all.
 */
export const mostAnswerBytes = 16 * 1024 * 1024;
