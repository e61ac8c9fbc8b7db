import type { Event } from '@slackwater/example-shop/demo/scene';
import type { Tally } from '../host-messages.ts';
import type { StreamView } from './servers.ts';

/** The demo at one moment, as data: all that a frame or a plain line is made of. */
export interface Scene {
  readonly elapsedMs: number;
  readonly phases: readonly { readonly name: string; readonly weight: number; readonly share: number }[];
  readonly headline: string;
  readonly hosts: readonly HostScene[];
  readonly servers: readonly ServerScene[];
  readonly streams: readonly StreamView[];
  /** Names of the work types, the most important first. */
  readonly workTypes: readonly string[];
  readonly calls: {
    readonly sent: number;
    readonly waiting: number;
    /** Callers that hold a 202 and not yet the outcome. */
    readonly deferred: number;
  };
  /** The latest last. */
  readonly events: readonly Event[];
}

/** One host. */
export interface HostScene {
  readonly name: string;
  readonly isUp: boolean;
  readonly tally: Tally | undefined;
  /** The ledger as this host tells it; undefined where it can't for now. */
  readonly head: { readonly size: number; readonly root: string } | undefined;
}

/** One NATS server. */
export interface ServerScene {
  readonly name: string;
  readonly role: 'leader' | 'up' | 'down';
}
