import { randomBytes } from 'node:crypto';
import type { OperationOwner } from '../ledger/operation-records.ts';
import { FreeRuns } from './free-runs.ts';
import type { Operation, Values } from './operation.ts';
import { OperationError } from './operation-error.ts';
import { eventOf } from './operation-events.ts';
import { planRun } from './plan-run.ts';
import { happenedIn, readRuns } from './read-runs.ts';
import type { RunEnd } from './run-end.ts';
import { OperationRun } from './run-operation.ts';
import { type RunState, runStateOf } from './run-state.ts';
import { RunValues } from './run-values.ts';
import type { RunnerParts, StartTerms } from './runner-parts.ts';
import { SettledWaiters } from './settled-waiters.ts';
import { openInputs, readGiven, readStart } from './start-values.ts';
import type { LiveRun, StoredLiveRun } from './stored-runs.ts';
import { schemasOf } from './task-functions.ts';

/** After the engine failed a run, it is taken up again so much later, ms. */
const pauseMs = 1_000;
const parallelTakeovers = 16;
const saltBytes = 16;

/** The runs of this process, and those that it takes over from processes that ended. */
export class OperationRunner {
  readonly #parts: RunnerParts;
  readonly #runs = new Map<string, OperationRun>();
  /** Resolves when it is noted how a run left this process. */
  readonly #noted = new WeakMap<OperationRun, Promise<void>>();
  readonly #waiters = new SettledWaiters();
  readonly #free: FreeRuns;
  #isClosed = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#free = new FreeRuns(parts, (id) => this.#runs.has(id));
  }

  /** How many runs this process has. */
  get size(): number {
    return this.#runs.size;
  }

  /** Starts a run. Resolves with its id once its whole chain is in the ledger, and before anything of it has run. */
  async start(operation: Operation, input: unknown, terms: StartTerms): Promise<string> {
    this.#checkOpen();
    const { ground, stored, lease, known } = this.#parts;
    const { records } = ground;
    const { raw, values } = await readStart(operation.name, operation.input, input);
    const blocks = await planRun(ground, known, operation);
    const owner: OperationOwner = {
      id: records.newId(),
      requester: await records.pseudonym(terms.requester),
      workType: operation.workType ?? terms.workType,
    };
    const token = 1;
    const planned = blocks.map((block) => ({ type: 'stage-planned', step: { token, block } }) as const);
    for (const one of planned) records.check(owner, one);
    await lease.hold();
    const runValues = this.#valuesOf(owner);
    const { name, version } = operation;
    const from = await records.end();
    const live: LiveRun = { ...owner, operation: name, version, runner: lease.holder, token, from };
    await Promise.all([stored.create(live), runValues.begin(randomBytes(saltBytes), raw, values)]);
    const placed = await records.record(owner, planned);
    const state = runStateOf(owner.id, placed.map(happenedIn));
    if (state !== undefined) {
      for (const one of placed) ground.tell(eventOf(state, one));
      this.#adopt(owner, state, token, runValues).wake();
    }
    return owner.id;
  }

  /** Resolves when a run is settled, wherever that is seen first. */
  settled(id: string): Promise<RunState> {
    const settled = this.#waiters.wait(id);
    void this.#tellIfSettled(id);
    return settled;
  }

  /** What is recorded of a run; undefined where there is none, or it was settled too long ago. */
  async state(id: string): Promise<RunState | undefined> {
    return this.#runs.get(id)?.state ?? (await this.#recorded(id))?.state;
  }

  /** The values that a settled or running run has kept. */
  async values(id: string): Promise<{ readonly state: RunState; readonly values: RunValues } | undefined> {
    const run = this.#runs.get(id);
    if (run !== undefined) return { state: run.state, values: run.values };
    const recorded = await this.#recorded(id);
    return recorded && { state: recorded.state, values: this.#valuesOf(recorded.owner) };
  }

  /** Gives a run values from outside. Throws `operation-invalid`, or `operation-unknown`. */
  async provide(id: string, given: Values): Promise<void> {
    const run = await this.#here(id);
    const open = openInputs(run.state);
    const { registry } = this.#parts.ground;
    const labels = [...new Set(open.map(({ label }) => label))];
    const [first] = run.state.blocks.values();
    const { raw, values } = await readGiven(
      first?.block.operation ?? id,
      schemasOf(open, registry),
      labels,
      given,
    );
    await run.values.keepGiven(raw, values);
    await run.happen('input-given', { values: await run.values.digests(raw) });
  }

  /** Has a run undone that is not settled. Throws `operation-unknown`. */
  async cancel(id: string): Promise<void> {
    await (await this.#here(id)).happen('operation-canceled', {});
  }

  /** Lets a parked run go on: what was tried too often is tried anew. Throws `operation-unknown`. */
  async resume(id: string): Promise<void> {
    const run = await this.#here(id);
    if (run.state.phase.is === 'parked') await run.happen('operation-resumed', {});
  }

  /** A partition may have recovered. */
  wake(): void {
    for (const run of this.#runs.values()) run.wake();
  }

  /** Takes over what processes left that ended, and lets go on what waited for functions that are known by now. */
  async lookAround(): Promise<void> {
    if (this.#isClosed) return;
    for await (const page of this.#parts.stored.pages()) {
      const free: StoredLiveRun[] = [];
      for (const one of page) if (await this.#free.isFree(one.run)) free.push(one);
      for (let i = 0; i < free.length; i += parallelTakeovers) {
        await this.#takeOver(free.slice(i, i + parallelTakeovers));
      }
    }
    for (const id of this.#waiters.runs) await this.#tellIfSettled(id);
  }

  /** Forgets what was settled long enough ago. */
  async forgetOld(): Promise<void> {
    const { stored, ground, keepMs } = this.#parts;
    const now = ground.clock.wallNow();
    for (const { id, settledAt } of await stored.oldestDone()) {
      if (settledAt + keepMs > now) continue;
      await ground.records.forget(id);
      await stored.forgetDone(id);
    }
  }

  /** The lease is over: what runs here may run elsewhere. */
  lost(): void {
    for (const run of this.#runs.values()) run.stop();
    this.#runs.clear();
  }

  /** Lets everything go, as it is: others go on with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.lost();
    await this.#parts.lease.close();
  }

  /** A run in this process: taken over where no other one has it. */
  async #here(id: string): Promise<OperationRun> {
    this.#checkOpen();
    const here = this.#runs.get(id);
    if (here?.isOver === false) return here;
    if (here !== undefined) await this.#noted.get(here);
    const live = await this.#parts.stored.live(id);
    if (live === undefined)
      throw new OperationError('operation-unknown', `there is no run ${id} that is not settled`);
    const isFree =
      live.run.runner === this.#parts.lease.holder || !(await this.#parts.lease.isAlive(live.run.runner));
    if (isFree) await this.#takeOver([live]);
    const taken = this.#runs.get(id);
    if (taken === undefined) {
      throw new OperationError(
        'operation-elsewhere',
        `run ${id} is in process ${live.run.runner}; ask there, or later`,
      );
    }
    return taken;
  }

  async #takeOver(free: readonly StoredLiveRun[]): Promise<void> {
    const { stored, lease, ground } = this.#parts;
    await lease.hold();
    const taken: LiveRun[] = [];
    for (const { run, revision } of free) {
      const { parked, ...rest } = run;
      const next: LiveRun = { ...rest, runner: lease.holder, token: run.token + 1 };
      if ((await stored.update(next, revision)) !== undefined) taken.push(next);
    }
    // From here on what the process before says counts for nothing; what it said until here is read below.
    await Promise.all(
      taken.map((run) =>
        ground.records.record(run, [{ type: 'operation-taken', step: { token: run.token } }]),
      ),
    );
    const states = await readRuns(this.#parts.ground.records, taken);
    for (const run of taken) {
      const state = states.get(run.id);
      if (state === undefined) await this.#drop(run.id);
      else if (state.phase.is === 'settled') await this.#settle(run, state);
      else await this.#goOn(run, state);
    }
  }

  async #goOn(run: LiveRun, state: RunState): Promise<void> {
    const adopted = this.#adopt(run, state, run.token, this.#valuesOf(run));
    if (state.phase.is === 'parked' && state.phase.error.startsWith('function-')) {
      await adopted.happen('operation-resumed', {});
    } else if (state.phase.is !== 'parked') adopted.wake();
  }

  #adopt(owner: OperationOwner, state: RunState, token: number, values: RunValues): OperationRun {
    const { ground, lease } = this.#parts;
    const { id, requester, workType } = owner;
    const held = { token, isHeld: () => lease.isHeld() };
    const run = new OperationRun(ground, held, { id, requester, workType }, state, values);
    this.#runs.set(id, run);
    this.#noted.set(
      run,
      run.ended.then((end) => this.#ended(run, end)),
    );
    return run;
  }

  async #ended(run: OperationRun, end: RunEnd): Promise<void> {
    const { id } = run.owner;
    if (end.is === 'stopped' || this.#isClosed) return;
    try {
      const live = await this.#parts.stored.live(id);
      if (end.is === 'abandoned') {
        this.#parts.onTrouble(`running operation ${id}`, end.error);
        this.#parts.ground.clock.after(pauseMs, () => void this.#takeUpAgain(id));
      } else if (live !== undefined && end.is === 'settled') {
        await this.#settle(live.run, run.state);
      } else if (live !== undefined && run.state.phase.is === 'parked') {
        await this.#parts.stored.update(
          { ...live.run, runner: '', parked: run.state.phase.error },
          live.revision,
        );
      }
    } catch (error) {
      this.#parts.onTrouble(`noting how operation ${id} stands`, error);
      this.#parts.ground.clock.after(pauseMs, () => void this.#takeUpAgain(id));
    } finally {
      if (this.#runs.get(id) === run) this.#runs.delete(id);
    }
  }

  async #takeUpAgain(id: string): Promise<void> {
    if (this.#isClosed || this.#runs.has(id)) return;
    try {
      const live = await this.#parts.stored.live(id);
      if (live !== undefined && live.run.runner === this.#parts.lease.holder) await this.#takeOver([live]);
    } catch (error) {
      this.#parts.onTrouble(`taking operation ${id} up again`, error);
      this.#parts.ground.clock.after(pauseMs, () => void this.#takeUpAgain(id));
    }
  }

  async #settle(run: LiveRun, state: RunState): Promise<void> {
    const { id, from, requester, workType } = run;
    await this.#parts.stored.settle({ id, from, requester, workType, settledAt: state.updatedAt });
    this.#waiters.tell(id, state);
  }

  async #drop(id: string): Promise<void> {
    await this.#parts.ground.records.forget(id);
    await this.#parts.stored.drop(id);
  }

  async #tellIfSettled(id: string): Promise<void> {
    const state = await this.state(id).catch(() => undefined);
    if (state?.phase.is === 'settled') this.#waiters.tell(id, state);
  }

  async #recorded(
    id: string,
  ): Promise<{ readonly owner: OperationOwner; readonly state: RunState } | undefined> {
    const { stored } = this.#parts;
    const found = (await stored.live(id))?.run ?? (await stored.done(id));
    if (found === undefined) return undefined;
    const state = (await readRuns(this.#parts.ground.records, [found])).get(id);
    return state && { owner: found, state };
  }

  #valuesOf(owner: OperationOwner): RunValues {
    const { records, registry, digest, corrupt } = this.#parts.ground;
    return new RunValues({ records, registry, digest, corrupt }, owner);
  }

  #checkOpen(): void {
    if (this.#isClosed)
      throw new OperationError('operation-closed', 'the gate is closed, and starts nothing any more');
  }
}
