import type { PartPayloads } from '../perform/parts/part-options.ts';

/** What the gate says to a handler about the request that it handles, and does for it: `req.slackwater`. */
export interface RequestSlackwater {
  /** Present where the request is performed for a deferral. Nothing that a caller sends makes it so. */
  readonly replay?: RequestReplay;
  /**
   * Defers a part of the work, by the name under which it is registered. Resolves when that is recorded, durable and sealed. It is
   * performed when the request has succeeded, which is when its answer is below 400, and else never. Rejects with `part-unknown`,
   * `part-refused` or `part-not-deferred`.
   *
   * @param payload what its handler gets: anything that JSON has a text for, up to `maxBodyBytes`
   */
  defer<Name extends PartName>(
    name: Name,
    payload: PayloadOf<Name>,
    options?: DeferOptions,
  ): Promise<DeferredPart>;
  /**
   * What the body of the answer can say: which parts are done, by the names that are given here, and which wait. The header
   * `Slackwater-Deferred` says the same.
   */
  parts(...done: readonly string[]): RequestParts;
}

/** The names of parts: those of {@link PartPayloads}, or any. */
export type PartName = [Named] extends [never] ? string : Named;

type Named = Extract<keyof PartPayloads, string>;

/** The payload of a part. */
export type PayloadOf<Name> = Name extends keyof PartPayloads ? PartPayloads[Name] : unknown;

/** What can be said of one part that is deferred, instead of what its registration says. */
export interface DeferOptions {
  /** What it commits to. Default none; then what the part's registration says. */
  readonly partition?: string;
  /** Parts of one key are performed in their order. Default none; then what the part's registration says. */
  readonly orderKey?: string;
  /** Promises that it is performed or reported within this time, ms: 1,000 to 30 days. Default none. */
  readonly maxDelayMs?: number;
}

/** A part that waits. */
export interface DeferredPart {
  readonly part: string;
  /** The deferral's id. */
  readonly id: string;
  /** URL of its resource, with the capability that opens it to whoever has it. */
  readonly status: string;
}

/** Which parts of a request are done, and which wait. */
export interface RequestParts {
  readonly done: readonly string[];
  readonly deferred: readonly DeferredPart[];
}

/** What a request is the replay of. */
export interface RequestReplay {
  /** The deferral's id. */
  readonly id: string;
  /** Which attempt at it, from 1. */
  readonly attempt: number;
  /** Its key for doing things once, to be handed on to services that take an idempotency key. */
  readonly completionKey: string;
  readonly workType: string;
}

/** A request that the gate has let through: Express's own, with what the gate says of it. */
export interface WithSlackwater {
  slackwater: RequestSlackwater;
}

declare global {
  namespace Express {
    interface Request extends WithSlackwater {}
  }
}
