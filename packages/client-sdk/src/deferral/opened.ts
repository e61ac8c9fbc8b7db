import type { SignalLike } from '../call/limits.ts';
import type { DeferralSession } from './session.ts';
import type { Settlement } from './settlement.ts';

/** A call whose request has been answered, or deferred. */
export type Opened =
  | { readonly kind: 'answered'; readonly response: unknown }
  | {
      readonly kind: 'deferred';
      readonly session: DeferralSession;
      /** The signals that the call itself was given. */
      readonly signals: readonly (SignalLike | undefined)[];
      /** Ends the call that waits behind the poller: its interceptors then see the final response. */
      readonly deliver: (settlement: Settlement) => void;
      /** Ends it with an error. */
      readonly fail: (error: unknown) => void;
      /** What the call's interceptors make of its end. */
      readonly final: Promise<unknown>;
    };

/** Hands a session over to a poller and waits for the settlement that the poller delivers. */
export type HandOver = (
  session: DeferralSession,
  signals: readonly (SignalLike | undefined)[],
) => Promise<Settlement>;

/**
 * Starts a call that hands its deferral over instead of waiting for it. Resolves as soon as it is answered or deferred; rejects as
 * the call does before either.
 */
export function openHandedOver(start: (handOver: HandOver) => Promise<unknown>): Promise<Opened> {
  let deliver: (settlement: Settlement) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const settled = new Promise<Settlement>((resolve, reject) => {
    deliver = resolve;
    fail = reject;
  });
  return new Promise((resolve, reject) => {
    const final = start((session, signals) => {
      // Lets `start` return first, so that its promise is there to be handed over.
      queueMicrotask(() => resolve({ kind: 'deferred', session, signals, deliver, fail, final }));
      return settled;
    });
    // Whoever polls learns of a later rejection from `final`; nobody has to.
    final.then((response) => resolve({ kind: 'answered', response }), reject);
  });
}
