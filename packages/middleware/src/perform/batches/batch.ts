import { AsyncResource } from 'node:async_hooks';
import type { Clock, Timer } from '../../clock.ts';
import { pause } from '../pause.ts';
import { BatchTroubleError } from './batch-error.ts';
import type { BatchEvent } from './batch-events.ts';
import { BatchLease, type HeldBatch } from './batch-lease.ts';
import type { ResolvedBatch } from './batch-options.ts';
import type { BatchState } from './batch-state.ts';
import { type BatchStatus, batchStatus } from './batch-status.ts';
import type { BatchRun, RunTrigger } from './batch-types.ts';
import { ItemHistories } from './item-histories.ts';
import { itemSource } from './item-sources.ts';
import { planBatch } from './plan-batch.ts';
import { type HeldRunSetup, runHeld } from './run-held.ts';
import type { BatchDesk } from './run-parts.ts';
import type { Schedule } from './schedule.ts';
import type { SharedState } from './shared-state.ts';

/** However far off a batch is due, it is looked at so often, ms: others may have run, paused or resumed it, and wall clocks jump. */
const mostWaitMs = 30_000;
const leastWaitMs = 10;
/** Items whose history is remembered. */
const mostHistories = 10_000;

/** A batch that a gate looks after. */
export interface Batch {
  readonly name: string;
  /**
   * Runs it now, by the same rules: where partitions are over, it comes to a run that is `postponed`. While it runs in this process, that very
   * run is waited for. Rejects with `batch-busy` where another host runs it, `batch-closed`, and errors of the engine.
   */
  run(): Promise<BatchRun>;
  /** On all hosts that share the engine no run begins by itself, and one under way ends after its present calls. Rejects where the engine can't be asked. */
  pause(): Promise<void>;
  /** It goes on; what became due meanwhile is run, once. Rejects where the engine can't be asked. */
  resume(): Promise<void>;
  /** How it stands, as far as this host knows. */
  status(): BatchStatus;
  /** No run begins any more in this process. One under way ends after its present calls; they are aborted after `closeWithinMs`. Never rejects. */
  close(): Promise<void>;
}

/** A batch as its gate handles it. */
export interface KeptBatch extends Batch {
  /** Begins to look after its schedule. May be called again. */
  start(): void;
  /** A partition may have recovered: what is postponed is looked at. */
  wake(): void;
}

/** What {@link createBatch} takes. */
export interface BatchSetup {
  readonly clock: Clock;
  readonly options: ResolvedBatch;
  readonly schedule: Schedule | undefined;
  readonly desk: BatchDesk;
  readonly shared: SharedState;
  /** By which this gate knows its own lease: no two have the same. */
  readonly holder: string;
  readonly newId: () => string;
  /** Must not throw. */
  readonly tell: (event: BatchEvent) => void;
  /** Must not throw. */
  readonly trouble: (doing: string, error: unknown) => void;
}

/** Makes a batch; it rests until `start`. What it runs is in the asynchronous context of this call, never of a request's. */
export function createBatch(setup: BatchSetup): KeptBatch {
  const { clock, options, schedule, shared, holder, tell, trouble } = setup;
  const { name, workType } = options;
  const lease = new BatchLease({ clock, shared, holder, leaseMs: options.leaseMs, onTrouble: trouble });
  const source = itemSource(options.source, options.maxItems);
  const stop = new AbortController();
  const outside = new AsyncResource('SlackwaterBatch');
  let phase: 'resting' | 'open' | 'closed' = 'resting';
  let isPausing = false;
  let timer: Timer | undefined;
  let looking = false;
  let running: Promise<BatchRun> | undefined;
  let known: BatchState | undefined;
  let lastRun: BatchRun | undefined;
  let endedAt = Number.NEGATIVE_INFINITY;
  let isWoken = false;
  let troubles = 0;
  let closing: Promise<void> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let due: { readonly of: BatchState | undefined; readonly at: number | undefined } = {
    of: undefined,
    at: undefined,
  };

  const runSetup: HeldRunSetup = {
    parts: { clock, options, source, histories: new ItemHistories(mostHistories), desk: setup.desk },
    clock,
    newId: setup.newId,
    tell,
    trouble,
    mayGoOn: () => phase !== 'closed' && !isPausing,
    stop: stop.signal,
    overdue: { since: undefined },
  };

  async function look(): Promise<void> {
    if (looking || running !== undefined || phase !== 'open') return;
    looking = true;
    timer?.cancel();
    let nextMs = mostWaitMs;
    try {
      nextMs = await doWhatIsDue();
      troubles = 0;
    } catch (error) {
      // Once for each spell of it.
      if (troubles === 0 && phase === 'open') trouble(`looking after the batch ${name}`, error);
      nextMs = options.retryBaseMs * 2 ** Math.min(troubles, 16);
      troubles += 1;
    }
    looking = false;
    // A run looks again when it has ended.
    if (running === undefined) lookAfter(nextMs);
  }

  /** How long until the next look, ms. */
  async function doWhatIsDue(): Promise<number> {
    known = await lease.read();
    const now = clock.wallNow();
    const plan = planBatch(known, schedule, now);
    if (plan.act === 'watch') return (known.leaseMs ?? options.leaseMs) / 3;
    const isWanted = isWoken && known.retryAt !== undefined && !known.paused;
    isWoken = false;
    if (plan.act === 'wait' && !isWanted) return (plan.until ?? Number.POSITIVE_INFINITY) - now;
    // Where another host was quicker it is watched from now on.
    await tryBegin(plan.act === 'run' ? plan.trigger : 'retry');
    return leastWaitMs;
  }

  function lookAfter(ms: number): void {
    if (phase !== 'open') return;
    timer?.cancel();
    timer = clock.after(Math.max(leastWaitMs, Math.min(ms, mostWaitMs)), () => void look());
  }

  /** One at a time asks for the lease, or this gate would stand in its own way. Undefined where another host has it. */
  function tryBegin(trigger: RunTrigger): Promise<{ readonly run: Promise<BatchRun> } | undefined> {
    const mine = turn.then(async () => {
      if (running !== undefined) return { run: running };
      const held = await lease.take();
      return held && { run: begin(held, trigger) };
    });
    turn = mine.catch(() => {});
    return mine;
  }

  function begin(held: HeldBatch, trigger: RunTrigger): Promise<BatchRun> {
    running = runHeld(runSetup, held, trigger).then((ended) => {
      running = undefined;
      known = ended.known;
      lastRun = ended.run;
      endedAt = clock.now();
      void look();
      return ended.run;
    });
    return running;
  }

  async function runByHand(): Promise<BatchRun> {
    const begun = await tryBegin('hand');
    if (begun !== undefined) return begun.run;
    const { holder: other = 'another host' } = await lease.read();
    throw new BatchTroubleError(
      'batch-busy',
      `The batch ${name} is run by ${other}. Wait until that run has ended; if that host is dead, another one takes over after leaseMs`,
    );
  }

  /** To find it may take long, for a line that is due once in four years, and metrics ask often. */
  function nextDueAt(): number | undefined {
    if (known !== due.of)
      due = { of: known, at: known && schedule?.dueAfter(known.handledAt, known.endedAt) };
    return due.at;
  }

  async function setPaused(paused: boolean): Promise<void> {
    for (;;) {
      const seen = await shared.read();
      if (seen.state.paused === paused) break;
      const written = await shared.write(seen, { ...seen.state, paused });
      if (written === undefined) continue;
      tell({ type: paused ? 'paused' : 'resumed', batch: name, workType });
      break;
    }
    known = await lease.read();
  }

  async function end(): Promise<void> {
    phase = 'closed';
    timer?.cancel();
    await Promise.race([turn, pause(clock, options.closeWithinMs)]);
    const ended = Promise.resolve(running);
    await Promise.race([ended, pause(clock, options.closeWithinMs)]);
    stop.abort();
    await ended;
    source.close();
  }

  return {
    name,
    start() {
      if (phase !== 'resting') return;
      phase = 'open';
      outside.runInAsyncScope(() => void look());
    },
    wake() {
      if (known?.retryAt === undefined || clock.now() - endedAt < options.retryBaseMs) return;
      isWoken = true;
      outside.runInAsyncScope(() => void look());
    },
    async run() {
      if (phase === 'closed') throw closed(name);
      return running ?? outside.runInAsyncScope(runByHand);
    },
    async pause() {
      if (phase === 'closed') throw closed(name);
      isPausing = true;
      try {
        await setPaused(true);
        await running;
      } finally {
        isPausing = false;
      }
    },
    async resume() {
      if (phase === 'closed') throw closed(name);
      await setPaused(false);
      outside.runInAsyncScope(() => void look());
    },
    status: () =>
      batchStatus({
        ...options,
        schedule,
        isStarted: phase === 'open',
        isClosed: phase === 'closed',
        isRunning: running !== undefined,
        known,
        lastRun,
        nextDueAt: nextDueAt(),
      }),
    close() {
      closing ??= end();
      return closing;
    },
  };
}

function closed(name: string): BatchTroubleError {
  return new BatchTroubleError(
    'batch-closed',
    `The batch ${name} is closed, as its gate is or because close() was called. Make a new gate to run it`,
  );
}
