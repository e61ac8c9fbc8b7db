import type { BlockTask, OperationBlock, OperationEntryType, OperationStep } from '@slackwater/shared';
import { isSlackwaterError } from '@slackwater/shared';
import type { OperationOwner } from '../ledger/operation-records.ts';
import { checkStage } from './check-stage.ts';
import { type NextStep, nextSteps } from './next-steps.ts';
import { OperationError } from './operation-error.ts';
import { eventOf } from './operation-events.ts';
import { pointersIn } from './pointers.ts';
import type { RecordedRun } from './recorded-runs.ts';
import { RunAttempts, type Way } from './run-attempts.ts';
import { parkingErrors, type RunEnd } from './run-end.ts';
import type { RunGround, RunLease } from './run-ground.ts';
import { afterEntry, enteredBlock, type Happened, type RunState } from './run-state.ts';
import type { RunValues } from './run-values.ts';
import { VerifiedBlocks } from './verified-blocks.ts';
import { Waker } from './waker.ts';

// One run in one process. next-steps.ts decides; here it is recorded, and then done, by crash point:
//
//   entries    recorded, sealed   crash before: as if nothing had been decided. After: a resumed process decides as this one did
//   functions  called             crash: the attempt was begun and nobody knows how it ended; it is made again, under the same keys
//   values     kept               crash after: values that no entry names. The attempt is made again
//   its end    recorded
//
// Whatever can't be recorded ends the run in this process, and not the run: who takes it over next reads what the log has.

/** A run of an operation, as long as this process has it. */
export class OperationRun {
  readonly owner: OperationOwner;
  readonly values: RunValues;
  /** Resolves when this process has no more to do with it. Never rejects. */
  readonly ended: Promise<RunEnd>;
  readonly #ground: RunGround;
  readonly #lease: RunLease;
  readonly #attempts: RunAttempts;
  readonly #verified: VerifiedBlocks;
  readonly #waker: Waker;
  /** As far as it is decided: the log may be a moment behind. */
  #state: RunState;
  readonly #at: number[];
  #recordedState: RunState;
  /** What happened and is not recorded yet. */
  #inbox: { readonly happened: Happened; readonly task?: string }[] = [];
  #recorded: (() => void)[] = [];
  #isOver = false;
  #resolve: (end: RunEnd) => void = () => {};

  /** @param onRest called whenever it begins to rest, see {@link isResting} */
  constructor(
    ground: RunGround,
    lease: RunLease,
    owner: OperationOwner,
    { state, values, at }: RecordedRun,
    onRest: (run: OperationRun) => void,
  ) {
    this.#at = [...at];
    this.#verified = new VerifiedBlocks(ground);
    this.#ground = ground;
    this.#lease = lease;
    this.owner = owner;
    this.#state = state;
    this.#recordedState = state;
    this.values = values;
    this.#attempts = new RunAttempts({
      run: owner.id,
      workType: owner.workType,
      ground,
      values,
      state: () => this.#state,
      onEnded: (way, task, ended) => {
        const type = way === 'run' ? 'task-ended' : 'undo-ended';
        this.#inbox.push({ happened: this.#happened(type, { ...this.#place(task), ...ended }), task });
        this.#waker.wake();
      },
      onFailed: (error) => this.#abandon(error),
    });
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#waker = new Waker(
      ground.clock,
      () => this.#turn(),
      (error) => this.#abandon(error),
      () => {
        if (this.isResting) onRest(this);
      },
    );
  }

  /** As far as it is recorded. */
  get state(): RunState {
    return this.#recordedState;
  }

  /** Where its entries stand in the log, in their order. */
  get at(): readonly number[] {
    return this.#at;
  }

  /** Whether this process has no more to do with it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Under which its entries are recorded. */
  get token(): number {
    return this.#lease.token;
  }

  /** Whether nothing is done about it, or will be, before something from outside comes. */
  get isResting(): boolean {
    const isIdle = this.#attempts.isIdle && this.#inbox.length === 0 && this.#waker.isIdle;
    return isIdle && !this.#isOver && this.#state.phase.is === 'forward';
  }

  /** Goes on with it. */
  wake(): void {
    this.#attempts.askAgain();
    this.#waker.wake();
  }

  /** Records something from outside, and goes on. Resolves when it is recorded; rejects where the run ends here before that. */
  async happen(type: OperationEntryType, step: Omit<OperationStep, 'token'>): Promise<void> {
    if (this.#isOver) throw this.#notHere();
    this.#inbox.push({ happened: this.#happened(type, step) });
    const recorded = new Promise<void>((resolve) => this.#recorded.push(resolve));
    this.#waker.wake();
    const end = await Promise.race([recorded, this.ended]);
    if (end?.is === 'abandoned') throw end.error;
    if (end?.is === 'stopped') throw this.#notHere();
  }

  /** Lets it go, as if the process ended here. */
  stop(): void {
    this.#finish({ is: 'stopped' });
  }

  async #turn(): Promise<void> {
    if (this.#isOver) return;
    const batch: Happened[] = [];
    const begins: (() => void)[] = [];
    const answers = this.#recorded.splice(0);
    for (const { happened, task } of this.#inbox.splice(0)) {
      if (task !== undefined) this.#attempts.release(task);
      this.#apply(happened, batch);
    }
    while ((await this.#decide(batch, begins)) && !this.#isOver);
    if (batch.length > 0) await this.#record(batch);
    for (const answer of answers) answer();
    if (this.#isOver) return;
    if (!this.#lease.isHeld()) throw this.#notHere();
    for (const begin of begins) begin();
    const { phase } = this.#state;
    if (phase.is === 'settled') this.#finish({ is: 'settled' });
    if (phase.is === 'parked' && this.#attempts.live.size === 0) this.#finish({ is: 'parked' });
  }

  #notHere(): OperationError {
    return new OperationError('operation-closed', `run ${this.owner.id} is not surely here any more`);
  }

  /** Decides once. True where that changed what is known, so that there may be more to decide. */
  async #decide(batch: Happened[], begins: (() => void)[]): Promise<boolean> {
    const nowMs = this.#ground.clock.wallNow();
    const { live, held } = this.#attempts;
    let hasChanged = false;
    for (const step of nextSteps(this.#state, { live, held, nowMs })) {
      hasChanged = (await this.#take(step, batch, begins)) || hasChanged;
      if (this.#state.phase.is === 'parked') return false;
    }
    return hasChanged;
  }

  async #take(step: NextStep, batch: Happened[], begins: (() => void)[]): Promise<boolean> {
    switch (step.do) {
      case 'wait':
        this.#waker.wakeAt(step.until);
        return false;
      case 'abort':
        this.#attempts.abort(step.task);
        return false;
      case 'run':
      case 'undo':
        return this.#begin(step.do, step.task, step.attempt, batch, begins);
      case 'give-up':
        return this.#push(batch, 'task-ended', {
          ...this.#place(step.task.id),
          attempt: step.attempt,
          end: 'unknown',
          error: 'task-interrupted',
        });
      case 'check':
        return this.#check(step.block, batch);
      case 'fail':
        return this.#push(batch, 'stage-checked', {
          blockId: step.block.id,
          valid: false,
          failed: step.failed,
        });
      case 'park':
        return this.#push(batch, 'operation-parked', { error: step.error, failed: step.tasks });
      case 'settle':
        return this.#push(batch, 'operation-settled', { result: step.result });
      default:
        return step satisfies never;
    }
  }

  async #check(block: OperationBlock, batch: Happened[]): Promise<boolean> {
    const passed = { blockId: block.id, valid: true };
    if (block.checks.length === 0) return this.#push(batch, 'stage-checked', passed);
    // The ends of the tasks are recorded before anything is made of them.
    await this.#record(batch.splice(0));
    return this.#orPark(batch, async () => {
      await this.#verified.verify(this.#state, block);
      await this.#ground.sources.load(pointersIn(block));
      const issues = await checkStage(block, this.values, this.#state, this.#ground.registry);
      const failed = Object.keys(issues);
      if (failed.length === 0) return this.#push(batch, 'stage-checked', passed);
      await this.values.keepCheck(block.id, issues);
      return this.#push(batch, 'stage-checked', { blockId: block.id, valid: false, failed });
    });
  }

  #begin(
    way: Way,
    task: BlockTask,
    attempt: number,
    batch: Happened[],
    begins: (() => void)[],
  ): Promise<boolean> {
    return this.#orPark(batch, async () => {
      const block = this.#block(task.id);
      await this.#verified.verify(this.#state, block);
      const begin = await this.#attempts.ready(way, task, attempt);
      if (begin === undefined) return true;
      const values = way === 'run' ? { values: await this.values.digestsOf(task, this.#state) } : {};
      begins.push(begin);
      return this.#push(batch, way === 'run' ? 'task-begun' : 'undo-begun', {
        ...this.#place(task.id),
        attempt,
        ...values,
      });
    });
  }

  /** What can't go on as it is waits for somebody, with the reason; everything else is the engine's trouble. */
  async #orPark(batch: Happened[], work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (!isSlackwaterError(error) || !parkingErrors.has(error.code)) throw error;
      return this.#push(batch, 'operation-parked', { error: error.code, failed: [] });
    }
  }

  #block(task: string): OperationBlock {
    const block = enteredBlock(this.#state, task);
    if (block !== undefined) return block;
    throw this.#ground.corrupt(`no block of run ${this.owner.id} has task ${JSON.stringify(task)}`);
  }

  #place(task: string): { readonly blockId: string; readonly task: string } {
    return { blockId: this.#block(task).id, task };
  }

  #push(batch: Happened[], type: OperationEntryType, step: Omit<OperationStep, 'token'>): true {
    this.#apply(this.#happened(type, step), batch);
    return true;
  }

  #happened(type: OperationEntryType, step: Omit<OperationStep, 'token'>): Happened {
    return { type, step: { token: this.#lease.token, ...step }, at: this.#ground.clock.wallNow() };
  }

  #apply(happened: Happened, batch: Happened[]): void {
    this.#state = afterEntry(this.owner.id, this.#state, happened) ?? this.#state;
    batch.push(happened);
  }

  async #record(batch: readonly Happened[]): Promise<void> {
    if (batch.length === 0) return;
    const placed = await this.#ground.records.record(this.owner, batch);
    for (const { position } of placed) this.#at.push(position);
    this.#recordedState = this.#state;
    for (const one of placed) this.#ground.tell(eventOf(this.#state, one));
  }

  #abandon(error: unknown): void {
    this.#finish({ is: 'abandoned', error });
  }

  #finish(end: RunEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waker.stop();
    this.#attempts.leave();
    this.#resolve(end);
  }
}
