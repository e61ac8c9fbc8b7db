import { AsyncResource } from 'node:async_hooks';
import { hostname } from 'node:os';
import type { Clock, Timer } from '../clock.ts';
import type { EngineQueue, PartitionBacklog } from '../engines/queue.ts';
import type { Deferral, DeferralLedger } from '../ledger/deferral.ts';
import type { Admission } from './admission.ts';
import { attendItem } from './attend-item.ts';
import { type CancelResult, cancelDeferral } from './cancel.ts';
import { aheadFor } from './drain.ts';
import { createLane, type Lane } from './lane.ts';
import { MissingRoutes } from './missing-routes.ts';
import { noOwnWork, type OwnWork } from './parts/own-work.ts';
import { pause } from './pause.ts';
import type { PerformError, PerformerEvent } from './performer-events.ts';
import { type PerformerOptions, performerDefaults } from './performer-options.ts';
import type { PerformerParts } from './performer-parts.ts';
import { actOnPostponed, type PostponedAct } from './postponed-too-long.ts';
import { neverPaused, type PausesToHeed } from './queue-pauses.ts';
import { type RedriveResult, type RedriveTerms, redriveDeferral } from './redrive.ts';
import type { Replay } from './replay.ts';
import { createRoom, type Room } from './room.ts';
import { noRuns, type RunEnds } from './run-ends.ts';

/** However soon the next item is due, the queue is not asked sooner than this, in ms. */
const leastTickMs = 10;

/** However much is said to be due, the queue is not asked more often than each so many ms on that account. */
const leastDueMs = 100;

/** What {@link createPerformer} takes. */
export interface PerformerSetup {
  readonly queue: EngineQueue;
  readonly ledger: Pick<DeferralLedger, 'find' | 'readRequest' | 'step'>;
  readonly admission: Admission;
  readonly replay: Replay;
  /** See {@link PerformerParts}. */
  readonly completionsOf: PerformerParts['completionsOf'];
  readonly clock: Clock;
  readonly options?: Partial<PerformerOptions>;
  /** Default: nothing is known, and nothing is learned. */
  readonly knownTransactions?: PerformerParts['knownTransactions'];
  readonly learnTransactions?: PerformerParts['learnTransactions'];
  readonly unwitnessed?: PerformerParts['unwitnessed'];
  /** Room that is shared with other performers of this process. Default: room of its own for `maxInFlight`. */
  readonly roomOf?: (partition: string) => Room;
  /** Default: nothing is ever paused. */
  readonly pauses?: PausesToHeed;
  /** Default: no route may be repeated. */
  readonly repeatable?: (deferral: Deferral) => boolean;
  /** Default: there is nothing but requests. */
  readonly own?: OwnWork;
  /** Default: no deferral is left to a run of an operation. */
  readonly runs?: RunEnds;
  /** Each is given `wake` at start and returns how to stop waking, for `close`. */
  readonly wakeSources?: readonly ((wake: (partition?: string) => void) => () => void)[];
  readonly on?: (event: PerformerEvent) => void;
  /** From 0 up to, not including, 1; spreads retries. Default `Math.random`. */
  readonly random?: () => number;
}

/** Performs what is on the queue, as fast as its partitions admit. */
export interface Performer {
  /** Begins; what is on the queue is found by itself. Call it once the application has its routes. */
  start(): void;
  /** Something was put on the queue for that partition: it is claimed at once, unless the partition is held. */
  enqueued(partition: string): void;
  /** Something is due at that time (Unix milliseconds), as another process says: the queue is looked at then. */
  due(at: number): void;
  /** A partition may have recovered: it is tried at once. Without one: all of them. */
  wake(partition?: string): void;
  /** What a deferral waited for has come: it is looked at now. Rejects where the engine has trouble; then it is looked at when it is due. */
  attend(id: string): Promise<void>;
  /** Cancels a deferral that nobody performs. Rejects where the engine or the database can't be asked. */
  cancel(id: string, why?: PerformError): Promise<CancelResult>;
  /**
   * Does what is stated about a deferral that was postponed too long. Gives after how long it is to be looked at again, ms; undefined
   * for no more. Rejects where the engine has trouble.
   */
  postponedTooLong(deferral: Deferral, act: PostponedAct): Promise<number | undefined>;
  /** Puts a parked deferral back on the queue. Rejects where the engine can't be asked. */
  redrive(id: string, terms: RedriveTerms): Promise<RedriveResult>;
  /** Claims nothing more; waits for attempts under way, at most `closeWithinMs`, then ends them. Never rejects. */
  close(): Promise<void>;
  /** How many deferrals this process has under way: claimed and made ready, at work, or being recorded. */
  readonly inFlight: number;
  /** The partitions that this process has to do with now, and how many of each it performs, and would at once. */
  lanes(): readonly (Pick<Lane, 'running' | 'atOnce'> & { readonly partition: string })[];
}

/**
 * Makes a performer; it rests until `start`. Errors are told as events of type `trouble`, never thrown. What it
 * performs runs in the asynchronous context of this call: make it where no request is being handled.
 */
export function createPerformer(setup: PerformerSetup): Performer {
  const parts = completeParts(setup);
  const { clock, options, queue } = parts;
  const lanes = new Map<string, Lane>();
  const stop = new AbortController();
  // What is performed must not run in the context of the request that happened to wake the performer.
  const outside = new AsyncResource('SlackwaterPerformer');
  let phase: 'resting' | 'open' | 'closed' = 'resting';
  let timer: Timer | undefined;
  let looking = false;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let nextLookAt = Number.POSITIVE_INFINITY;
  /** What was said to be due while the queue was being looked at. */
  let dueAt = Number.POSITIVE_INFINITY;
  const outOfTurn = new Set<Promise<unknown>>();
  let unsubscribe: readonly (() => void)[] = [];
  let closing: Promise<void> | undefined;

  const ownRoom = createRoom(options.maxInFlight);
  const claims = createRoom(aheadFor * options.maxInFlight);

  function laneOf(partition: string): Lane {
    const lane = lanes.get(partition) ?? makeLane(partition);
    lanes.set(partition, lane);
    return lane;
  }

  function makeLane(partition: string): Lane {
    const room = setup.roomOf?.(partition) ?? ownRoom;
    return createLane(parts, partition, { room, claims, stop: stop.signal });
  }

  async function look(): Promise<void> {
    if (looking || phase !== 'open') return;
    looking = true;
    lookedAt = clock.now();
    timer?.cancel();
    let nextMs = options.lookEveryMs;
    try {
      const [backlog, isResumed] = await Promise.all([queue.backlog(), lookAtPauses()]);
      if (phase === 'open') attend(backlog);
      if (phase === 'open' && isResumed) for (const lane of lanes.values()) lane.wake();
      nextMs = nextLookMs(backlog, clock.wallNow(), options.lookEveryMs);
    } catch (error) {
      parts.tell({ type: 'trouble', doing: 'looking at the backlog', error });
    }
    looking = false;
    lookAfter(nextMs);
    if (Number.isFinite(dueAt)) lookWhenDue(dueAt);
    dueAt = Number.POSITIVE_INFINITY;
  }

  /** Where that can't be found out, what is known of it counts. */
  async function lookAtPauses(): Promise<boolean> {
    try {
      return await parts.pauses.look();
    } catch (error) {
      parts.tell({ type: 'trouble', doing: 'looking for what is paused', error });
      return false;
    }
  }

  function lookAfter(ms: number): void {
    if (phase !== 'open') return;
    timer?.cancel();
    nextLookAt = clock.now() + ms;
    timer = clock.after(ms, () => void look());
  }

  function lookWhenDue(at: number): void {
    const now = clock.now();
    const dueInMs = Math.max(at - clock.wallNow(), lookedAt + leastDueMs - now, leastTickMs);
    if (now + dueInMs < nextLookAt) lookAfter(dueInMs);
  }

  function attend(backlog: readonly PartitionBacklog[]): void {
    const waiting = new Set(backlog.map(({ partition }) => partition));
    for (const [partition, lane] of lanes) {
      if (lane.idle && !waiting.has(partition)) lanes.delete(partition);
    }
    for (const { partition, duePriority } of backlog) {
      if (duePriority !== undefined) laneOf(partition).pump();
    }
  }

  function wake(partition?: string): void {
    if (phase !== 'open') return;
    outside.runInAsyncScope(() => {
      for (const lane of partition === undefined ? lanes.values() : [laneOf(partition)]) lane.wake();
      if (partition === undefined) void look();
    });
  }

  /** What is done out of its turn; closing waits for it. */
  async function underWay<Value>(act: () => Promise<Value>): Promise<Value | undefined> {
    if (phase !== 'open') return undefined;
    const acting = act();
    outOfTurn.add(acting);
    return acting.finally(() => outOfTurn.delete(acting));
  }

  async function end(): Promise<void> {
    phase = 'closed';
    timer?.cancel();
    for (const undo of unsubscribe) undo();
    const ended = Promise.allSettled([...[...lanes.values()].map((lane) => lane.close()), ...outOfTurn]);
    await Promise.race([ended, pause(clock, options.closeWithinMs)]);
    stop.abort();
    await Promise.race([ended, pause(clock, options.closeWithinMs)]);
  }

  return {
    start() {
      if (phase !== 'resting') return;
      phase = 'open';
      unsubscribe = (setup.wakeSources ?? []).map((subscribe) => subscribe(wake));
      outside.runInAsyncScope(() => void look());
    },
    enqueued(partition) {
      if (phase === 'open') outside.runInAsyncScope(() => laneOf(partition).pump());
    },
    due(at) {
      if (phase !== 'open') return;
      if (looking) dueAt = Math.min(dueAt, at);
      else outside.runInAsyncScope(() => lookWhenDue(at));
    },
    wake,
    attend: (id) => outside.runInAsyncScope(() => underWay(() => attendItem(parts, id, stop.signal))),
    cancel: (id, why) => outside.runInAsyncScope(() => cancelDeferral(parts, id, why)),
    postponedTooLong: (deferral, act) =>
      outside.runInAsyncScope(async () => {
        // What is under way ends as everything does; nothing more is begun.
        if (phase !== 'open') return options.lookEveryMs;
        return underWay(() => actOnPostponed(parts, deferral, act, stop.signal));
      }),
    redrive: (id, terms) =>
      outside.runInAsyncScope(async () => {
        const { result, partition } = await redriveDeferral(parts, id, terms);
        if (partition !== undefined && phase === 'open') laneOf(partition).pump();
        return result;
      }),
    close() {
      closing ??= end();
      return closing;
    },
    lanes: () => [...lanes].map(([partition, { running, atOnce }]) => ({ partition, running, atOnce })),
    get inFlight() {
      let sum = 0;
      for (const lane of lanes.values()) sum += lane.claimed;
      return sum;
    },
  };
}

/** How long until the queue is looked at again: when the next item is due, but at least every `lookEveryMs`. */
function nextLookMs(backlog: readonly PartitionBacklog[], wallNow: number, lookEveryMs: number): number {
  const soonest = Math.min(...backlog.map(({ nextDueAt }) => nextDueAt ?? Number.POSITIVE_INFINITY));
  return Math.min(lookEveryMs, Math.max(leastTickMs, soonest - wallNow));
}

function completeParts(setup: PerformerSetup): PerformerParts {
  const options = { ...performerDefaults, ...setup.options };
  return {
    queue: setup.queue,
    ledger: setup.ledger,
    admission: setup.admission,
    replay: setup.replay,
    completionsOf: setup.completionsOf,
    clock: setup.clock,
    options,
    pauses: setup.pauses ?? neverPaused,
    missingRoutes: new MissingRoutes(setup.clock, options),
    knownTransactions: setup.knownTransactions ?? (() => undefined),
    learnTransactions: setup.learnTransactions ?? (() => {}),
    unwitnessed: setup.unwitnessed ?? (() => {}),
    repeatable: setup.repeatable ?? (() => false),
    own: setup.own ?? noOwnWork,
    runs: setup.runs ?? noRuns,
    random: setup.random ?? Math.random,
    holder: `${hostname()}:${process.pid}`,
    tell(event) {
      try {
        setup.on?.(event);
      } catch {
        // A listener's error is not the performer's: what it was told of has happened.
      }
    },
  };
}
