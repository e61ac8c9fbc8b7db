/** What the gate says to a handler about the request that it handles: `req.slackwater`. */
export interface RequestSlackwater {
  /** Present where the request is performed for a deferral. Nothing that a caller sends makes it so. */
  readonly replay?: RequestReplay;
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
  slackwater?: RequestSlackwater;
}

declare global {
  namespace Express {
    interface Request extends WithSlackwater {}
  }
}
