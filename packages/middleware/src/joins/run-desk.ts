import { isSlackwaterError } from '@slackwater/shared';
import type { OperationDesk } from '../answer/operations/contract.ts';
import { progressOf } from '../answer/operations/operation-progress.ts';
import { systemClock as clock } from '../clock.ts';
import type { Deferral, Outcome } from '../ledger/deferral.ts';
import type { ClaimedRun } from '../ledger/operation-records.ts';
import { serialByKey } from '../ledger/serial.ts';
import { OperationError } from '../operations/operation-error.ts';
import type { OperationEvent } from '../operations/operation-events.ts';
import type { RecordedRun } from '../operations/recorded-runs.ts';
import { readStart } from '../operations/start-values.ts';
import { statusOf } from '../operations/status.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { CancelResult } from '../perform/cancel.ts';
import { pause } from '../perform/pause.ts';
import { type RunEnd, runOf } from '../perform/run-ends.ts';
import type { RunsOfGroup } from './group-operations.ts';
import { type AnswerBook, answerOfRun, endOfRun } from './run-answers.ts';
import { reportOfRun } from './run-reports.ts';
import { type GroupRunner, noSuchRun, type Runners } from './runners.ts';

// Where requests and runs of operations meet. Beside the ledger are kept, in the store of the group:
//
//   operation/for/<deferral>   the run that an attempt at a deferral left it to
//   operation/deferral/<run>   the deferral that waits for a run, so that whoever settles the run looks at it at once
//
// Both are shortcuts: without the first the route is tried again, and finds its run by its key, which is kept as long as the run; without the second the
// deferral's item is looked at when it is due.

const lookEveryMs = 25;
/** How long canceling waits for the run to be undone, ms: then whoever asked is told that it is being undone. */
const cancelWaitMs = 250;
/** How long it is waited for a run that another process is about to plan, ms. */
const plannedWithinMs = 2_000;

/** What {@link RunDesk} takes. */
export interface RunDeskParts {
  readonly runners: Runners;
  readonly answers: AnswerBook;
  readonly voice: Pick<GateVoice, 'trouble'>;
  /** How long shortcuts are kept, ms, and the longest body of an outcome that is. */
  readonly limits: { readonly keepMs: number; readonly maxOutcomeBytes: number };
  /** The run that a deferral waits for has moved. */
  readonly changed: (deferral: string) => void;
}

/** Where requests wait for runs, and deferrals are left to them. */
export class RunDesk implements Pick<OperationDesk, 'begin' | 'wait' | 'find' | 'accepted' | 'leave'> {
  readonly #runners: Runners;
  readonly #answers: AnswerBook;
  readonly #voice: Pick<GateVoice, 'trouble'>;
  readonly #changed: (deferral: string) => void;
  readonly #left = new Set<string>();
  /** Deferrals by the run that they wait for, as far as this process has to do with both. */
  readonly #waiting = new Map<string, string>();
  readonly #parked = new Map<string, Set<() => void>>();
  readonly #limits: RunDeskParts['limits'];
  readonly #inLine = serialByKey();

  constructor({ runners, answers, voice, limits, changed }: RunDeskParts) {
    this.#runners = runners;
    this.#answers = answers;
    this.#voice = voice;
    this.#limits = limits;
    this.#changed = changed;
  }

  async begin(
    group: string,
    { operation, input, requester, pseudonym, workType, key }: Parameters<OperationDesk['begin']>[1],
  ): ReturnType<OperationDesk['begin']> {
    const of = await this.#runners.of(group);
    this.#runners.known.add(operation);
    const whose = pseudonym === undefined ? { requester } : { requester, pseudonym };
    const terms = { ...whose, workType, isAwaited: true };
    const start = (claimed?: ClaimedRun): Promise<string> =>
      of.timed(of.runner.start(operation, input, { ...terms, ...(claimed !== undefined && { claimed }) }));
    if (key === undefined) return { kind: 'begun', id: await start() };
    // Before its key is taken: what is not valid takes none.
    const { raw } = await readStart(operation.name, operation.input, input);
    const records = of.open.ledger.operations;
    const claimed = await of.timed(records.claim(key, operation.name, JSON.stringify(raw)));
    if (claimed === undefined) return { kind: 'key-reused' };
    const { id } = claimed;
    await this.#inLine(id, async () => {
      if ((await of.timed(of.runner.state(id))) === undefined)
        await this.#startOnce(of, id, () => start(claimed));
    });
    return { kind: 'begun', id };
  }

  async wait(
    group: string,
    run: string,
    waitMs: number,
    signal: AbortSignal,
  ): ReturnType<OperationDesk['wait']> {
    const { runner } = await this.#runners.of(group);
    const waiting = runner.settled(run);
    const ending = new AbortController();
    const over = new Promise<undefined>((resolve) => {
      const end = (): void => resolve(undefined);
      const timer = clock.after(waitMs, end);
      const unlisten = this.#onParked(run, end);
      signal.addEventListener('abort', end, { signal: ending.signal });
      if (signal.aborted) end();
      ending.signal.addEventListener('abort', () => {
        timer.cancel();
        unlisten();
      });
    });
    const settled = await Promise.race([waiting.settled, over]);
    waiting.leave();
    ending.abort();
    if (settled === undefined) return undefined;
    return { status: statusOf(settled.state), outcome: await this.#outcomeOf(settled) };
  }

  async find(group: string, run: string): ReturnType<OperationDesk['find']> {
    const { runner, timed } = await this.#runners.of(group);
    const state = await timed(runner.state(run));
    return state && statusOf(state);
  }

  async accepted(group: string, run: string, deferral: string): Promise<void> {
    const of = await this.#runners.of(group);
    this.#waiting.set(run, deferral);
    await this.#put(of, `operation/deferral/${run}`, deferral);
    // It may have been settled before anybody could know of the deferral.
    const state = await of.timed(of.runner.state(run));
    if (state !== undefined && state.phase.is !== 'settled') return;
    this.#waiting.delete(run);
    this.#attend(of, deferral);
  }

  async leave(group: string, run: string, deferral: string): Promise<void> {
    await this.#put(await this.#runners.of(group), `operation/for/${deferral}`, run);
    this.#left.add(deferral);
    await this.accepted(group, run, deferral);
  }

  /** A run is settled that requests may wait for. */
  settled(group: string, run: string): void {
    this.#waiting.delete(run);
    const look = async (): Promise<void> => {
      const of = await this.#runners.of(group);
      const stored = await of.open.engine.store.get(`operation/deferral/${run}`);
      if (stored !== undefined) this.#attend(of, Buffer.from(stored.value).toString('utf8'));
    };
    look().catch((error: unknown) => this.#voice.trouble('looking who waits for an operation', error, group));
  }

  /** Something of a run is recorded. */
  happened({ id, type }: OperationEvent): void {
    const deferral = this.#waiting.get(id);
    if (deferral !== undefined) this.#changed(deferral);
    if (type !== 'operation-parked') return;
    for (const listener of this.#parked.get(id) ?? []) listener();
  }

  /** What the performer of a group is told. */
  runsOf(group: string): RunsOfGroup {
    const linkedRun = (id: string): Promise<string | undefined> => this.#linkedRun(group, id, 0);
    return {
      // Runs may wait for longer than shortcuts and keys are kept: its route, tried again then, would begin another one.
      linkedRun: (id) => this.#linkedRun(group, id, this.#limits.keepMs / 2),
      endOf: (run) => this.#endOf(group, run),
      takeLeft: (id) => this.#left.delete(id),
      report: async (id, reveal) => {
        const of = await this.#runners.of(group);
        return reportOfRun(of, id, linkedRun, reveal);
      },
      progress: async (deferral) => {
        const run = await runOf({ linkedRun }, deferral);
        const status = run === undefined ? undefined : await this.find(group, run);
        return status && progressOf(status);
      },
      provide: async (deferral, values) => {
        const run = await runOf({ linkedRun }, deferral);
        if (run === undefined) throw noSuchRun(deferral.id);
        await (await this.#runners.of(group)).runner.provide(run, values);
      },
      cancel: async (deferral) => {
        const run = await runOf({ linkedRun }, deferral);
        return run === undefined ? undefined : this.#cancel(group, run, deferral);
      },
      resume: async (deferral) => {
        const run = await runOf({ linkedRun }, deferral);
        if (run === undefined || deferral.phase === 'settled') return undefined;
        const { runner, timed } = await this.#runners.of(group);
        if ((await timed(runner.state(run)))?.phase.is !== 'parked') return 'not-redrivable';
        await runner.resume(run);
        return 'redriven';
      },
    };
  }

  /** Where that is kept for less than `leastMs` still, it is kept anew. */
  async #linkedRun(group: string, deferral: string, leastMs: number): Promise<string | undefined> {
    const of = await this.#runners.of(group);
    const key = `operation/for/${deferral}`;
    const stored = await of.timed(of.open.engine.store.get(key));
    if (stored === undefined) return undefined;
    const run = Buffer.from(stored.value).toString('utf8');
    const leftMs = (stored.expiresAt ?? Number.POSITIVE_INFINITY) - clock.wallNow();
    if (leftMs < leastMs) await this.#put(of, key, run);
    return run;
  }

  async #startOnce(of: GroupRunner, id: string, start: () => Promise<string>): Promise<void> {
    try {
      await start();
    } catch (error) {
      // Another process may have taken it, and be about to plan it.
      if (error instanceof OperationError) throw error;
      const began = clock.now();
      while ((await of.timed(of.runner.state(id))) === undefined) {
        if (clock.now() - began > plannedWithinMs) throw error;
        await pause(clock, lookEveryMs);
      }
    }
  }

  async #endOf(group: string, run: string): Promise<RunEnd | undefined> {
    const { runner, timed } = await this.#runners.of(group);
    if (runner.isAside(run)) return undefined;
    const recorded = await timed(runner.values(run));
    if (recorded === undefined) {
      const message = `Nothing is known any more of run ${run}, which was to answer.`;
      return { is: 'failed', outcome: undefined, error: { code: 'operation-unknown', message } };
    }
    if (recorded.state.phase.is !== 'settled') return undefined;
    const outcome = await this.#outcomeOf(recorded);
    const isKept = outcome !== undefined && outcome.body.byteLength <= this.#limits.maxOutcomeBytes;
    return endOfRun(statusOf(recorded.state), isKept ? outcome : undefined);
  }

  /** Where the answer can't be made, what is done stays done. */
  #outcomeOf(run: RecordedRun): Promise<Outcome | undefined> {
    const { operation } = statusOf(run.state);
    return answerOfRun(run, this.#answers.of(operation), (error) =>
      this.#voice.trouble(`making the answer of operation ${operation}`, error),
    );
  }

  async #cancel(group: string, run: string, deferral: Deferral): Promise<CancelResult> {
    const of = await this.#runners.of(group);
    const { ledger } = of.open;
    const state = await of.timed(of.runner.state(run));
    if (deferral.phase === 'settled') return deferral.status === 'Canceled' ? 'canceled' : 'not-cancelable';
    if (state === undefined) return 'not-cancelable';
    if (state.failure?.error !== 'operation-canceled') {
      const failed = await of.runner.cancel(run).then(
        () => undefined,
        (error: unknown) => error,
      );
      const asked = await of.timed(of.runner.state(run));
      if (asked?.failure?.error !== 'operation-canceled') {
        // Where it had passed, was being undone already, or has been settled meanwhile, that changed nothing.
        const isOver = asked === undefined || asked.phase.is === 'settled' || isGone(failed);
        if (failed !== undefined && !isOver) throw failed;
        return 'not-cancelable';
      }
    }
    const began = clock.now();
    while (clock.now() - began < cancelWaitMs) {
      const now = await ledger.find(deferral.id);
      if (now?.phase === 'settled') return now.status === 'Canceled' ? 'canceled' : 'not-cancelable';
      await pause(clock, lookEveryMs);
    }
    return 'canceling';
  }

  #attend({ open, group }: GroupRunner, deferral: string): void {
    open.performer
      .attend(deferral)
      .catch((error: unknown) =>
        this.#voice.trouble('settling a deferral with its operation', error, group.name),
      );
  }

  async #put({ open, timed }: GroupRunner, key: string, value: string): Promise<void> {
    const expiresAt = clock.wallNow() + this.#limits.keepMs;
    await timed(open.engine.store.put(key, Buffer.from(value, 'utf8'), { expiresAt }));
  }

  #onParked(run: string, listener: () => void): () => void {
    const listeners = this.#parked.get(run) ?? new Set();
    this.#parked.set(run, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#parked.delete(run);
    };
  }
}

function isGone(error: unknown): boolean {
  return isSlackwaterError(error) && error.code === 'operation-unknown';
}
