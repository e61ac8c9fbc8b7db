import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '@slackwater/shared';

/** What a replayed request is the replay of. */
export interface ReplayInfo {
  /** The deferral's id. */
  readonly id: string;
  /** Which attempt at it, from 1. */
  readonly attempt: number;
  /** Its key for doing things once, to be handed on to services that take an idempotency key. */
  readonly completionKey: string;
  readonly requester: string;
  readonly workType: string;
  /** What `capture(req)` gave; undefined where nothing was captured. */
  readonly identity: unknown;
  /** By which the gate that performs it knows it from the replays of others. */
  readonly performedFor: object | undefined;
  /**
   * Gives the attempt up where going on would do harm, such as an identity that can't be restored: the
   * connection is closed and the deferral is parked with the error.
   */
  refuse(error: { readonly code: ErrorCode; readonly message: string }): void;
}

/*
 * The connection tells a replay, and nothing a caller sends can make it one: an entry is made only for the
 * end of a connection that was opened in this process. The map is one for the whole process, so that the
 * answer is the same where two copies of the package are loaded.
 */
const registryKey = Symbol.for('slackwater.replays');
const shared = globalThis as { [registryKey]?: WeakMap<object, ReplayInfo> };
const replays: WeakMap<object, ReplayInfo> = shared[registryKey] ?? new WeakMap();
shared[registryKey] = replays;

/** What the request is a replay of, or undefined for a request that came from outside. */
export function replayOf(req: Pick<IncomingMessage, 'socket'>): ReplayInfo | undefined {
  const { socket } = req;
  return socket === null || socket === undefined ? undefined : replays.get(socket);
}

/** Makes every request on that connection a replay. Not for anyone but the one who opened it. */
export function markReplay(socket: object, info: ReplayInfo): void {
  replays.set(socket, info);
}
