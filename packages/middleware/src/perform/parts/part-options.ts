import type { ErrorCode } from '@slackwater/shared';
import type { CapturedRequest } from '../../ledger/deferral.ts';

/**
 * The payloads of parts by name, for TypeScript: none until an application declares its own. With
 * `interface PartPayloads extends PayloadsOf<typeof parts> {}`, `defer` takes the names of these parts alone, each with its payload.
 */
export interface PartPayloads {
  readonly [unnamed: symbol]: unknown;
}

/** The payloads of a table of parts, as their `perform` takes them. */
export type PayloadsOf<Parts> = {
  readonly [Name in keyof Parts]: Parts[Name] extends {
    perform(payload: infer Payload, ...rest: never): unknown;
  }
    ? Payload
    : never;
};

/** A part that a handler can defer. */
export interface PartOptions<Payload = unknown> {
  /**
   * Does the part. What it gives is kept as the part's outcome, as JSON. Where it throws it is called again later; where the
   * error has a `status` from 400 to 499, other than 408, 425 and 429, the part has failed for good.
   */
  perform(payload: Payload, context: PartContext): unknown;
  /** By which it is admitted when its partition is slow; one of `workTypes`. Default none; then that of the request. */
  readonly workType?: string;
  /** What it commits to. Default none; then the first partition of the request. */
  readonly partition?: string | ((payload: Payload) => string);
  /** Parts of one key are performed in the order in which they were deferred. Default none. */
  readonly orderKey?: (payload: Payload) => string | undefined;
  /** It may be repeated from its start after a crash between two of its transactions. Default false. */
  readonly repeatable?: boolean;
}

/** What all that the application performs for a deferral is told. */
export interface OwnContext {
  /** The deferral's own id. */
  readonly id: string;
  /** Which attempt at it, from 1. */
  readonly attempt: number;
  /** The same at every attempt: to be handed on to services that take an idempotency key. */
  readonly idempotencyKey: string;
  readonly workType: string;
  readonly partition: string;
  /** Aborted where the attempt is over, or to end: after `attemptTimeoutMs`, and when the gate closes. */
  readonly signal: AbortSignal;
}

/** What the handler of a part is told. */
export interface PartContext extends OwnContext {
  /** The part's name. */
  readonly part: string;
  /** The deferral whose part it is; of a request that was performed at once an id that all its parts have. */
  readonly parent: string;
}

/** What a compensation is told. */
export interface CompensationContext extends OwnContext {
  /** The deferral that came to nothing. */
  readonly of: string;
  /** What its caller had sent; `identity` is what `capture` gave. */
  readonly request: CapturedRequest;
  /** Why it came to nothing. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | undefined;
}

/** Undoes a request whose success was told, and that then failed or was canceled. */
export type Compensate = (context: CompensationContext) => unknown;
