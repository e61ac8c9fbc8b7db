import { AsyncLocalStorage } from 'node:async_hooks';
import type { ErrorCode } from '@slackwater/shared';

/**
 * What the gate tells the drivers about the request on whose behalf a statement runs. A driver reads it when
 * it is called, never later: emitters and pools lose the asynchronous context (see drivers/driver.ts).
 */
export interface RequestContext {
  /**
   * True for work that may be postponed. It leaves the last connection of a pool free, so that exempt work
   * always finds one.
   */
  readonly postponable: boolean;
  /** Its work type, where shadow mode lets it through and it would have been postponed. */
  readonly shadowOf?: string | undefined;
  /** Present where the request must be done once; see {@link CompletionScope}. */
  readonly completion: CompletionScope | undefined;
  /** The driver calls it for each transaction or autocommit write that the request begins. */
  wrote(partition: string): void;
}

/**
 * One attempt at a request that is to be done once. In each transaction that the attempt begins, the driver
 * inserts a completion row (`key`, ordinal) straight after BEGIN, so that the row and the work become
 * durable together or not at all.
 */
export interface CompletionScope {
  /** What is to be done once: a deferral, or a requester's Idempotency-Key on a method and path. */
  readonly key: string;
  /** The ordinal the next transaction of this attempt gets; the driver counts it up. From 0. */
  nextOrdinal: number;
  /** Set by the driver when the row was there already: the work is done or was shut out. */
  duplicate: boolean;
  /**
   * The last statement that the driver refused since no completion row can go with it. The error that the caller gets need not come through:
   * libraries wrap errors, or copy some of their members.
   */
  refused?: { readonly code: ErrorCode; readonly message: string };
  /** How many transactions of the attempt have begun and not ended, as the driver counts them. */
  openTransactions?: number;
  /** How many of them were committed, in whichever databases. */
  committedTransactions?: number;
}

const storageKey = Symbol.for('slackwater.request-context');
const shared = globalThis as { [storageKey]?: AsyncLocalStorage<RequestContext> };

shared[storageKey] ??= new AsyncLocalStorage<RequestContext>();

/** One storage for the whole process, also where two copies of the package are loaded. */
export const requestContext: AsyncLocalStorage<RequestContext> = shared[storageKey];
