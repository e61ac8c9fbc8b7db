import type { OperationOwner } from '../ledger/operation-records.ts';
import { dropRun, forgetOldRuns } from './forget-runs.ts';
import { FreeRuns } from './free-runs.ts';
import { giveInputs } from './give-inputs.ts';
import type { Operation, Values } from './operation.ts';
import { OperationError } from './operation-error.ts';
import { eventOf } from './operation-events.ts';
import { planRun } from './plan-run.ts';
import { happenedIn } from './read-runs.ts';
import { type RecordedRun, RecordedRuns, type ToldRun } from './recorded-runs.ts';
import type { RunEnd } from './run-end.ts';
import { OperationRun } from './run-operation.ts';
import { type RunState, runStateOf } from './run-state.ts';
import type { RunnerParts, StartTerms } from './runner-parts.ts';
import { type AsideRun, mostWholeRuns, RunsHere } from './runs-here.ts';
import { type SettledWait, SettledWaiters } from './settled-waiters.ts';
import { readStart } from './start-values.ts';
import { doneOf, type LiveRun, noted, type StoredLiveRun } from './stored-runs.ts';
import { takeRuns } from './take-runs.ts';

/** After the engine failed a run, it is taken up again so much later, ms. */
const pauseMs = 1_000;
const parallelTakeovers = 16;
const firstToken = 1;

/** The runs of this process, and those that it takes over from processes that ended. */
export class OperationRunner {
  readonly #parts: RunnerParts;
  readonly #runs: RunsHere;
  /** Resolves when it is noted how a run left this process. */
  readonly #noted = new WeakMap<OperationRun, Promise<void>>();
  readonly #waiters = new SettledWaiters();
  /** Those that are being planned. */
  readonly #starting = new Set<string>();
  readonly #free: FreeRuns;
  readonly #recorded: RecordedRuns;
  #isClosed = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#runs = new RunsHere(parts.mostWhole ?? mostWholeRuns, (...aside) => this.#readAgain(...aside));
    this.#recorded = new RecordedRuns(parts.ground, parts.stored);
    this.#free = new FreeRuns(parts, (id) => this.#runs.has(id) || this.#starting.has(id));
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
    known.add(operation);
    const { raw, values } = await readStart(operation.name, operation.input, input);
    const planned = await planRun(ground, known, operation, firstToken);
    const { claimed } = terms;
    const id = claimed?.id ?? records.newId();
    const requester = terms.pseudonym ?? (await records.pseudonym(terms.requester));
    const owner: OperationOwner = { id, requester, workType: operation.workType ?? terms.workType };
    await lease.hold();
    const runValues = this.#recorded.valuesOf(owner);
    const { name, version } = operation;
    const awaited = terms.isAwaited === true && { awaited: true as const };
    const who = { operation: name, version, runner: lease.holder, ...awaited };
    const key = claimed && { key: claimed.tag };
    const live: LiveRun = { ...owner, ...who, ...key, token: firstToken, from: await records.end() };
    this.#starting.add(id);
    try {
      // Where there is one of that id, its values must stay as they are.
      const created = stored.create(live);
      if (claimed !== undefined) await created;
      const kept = claimed && records.keepKey(claimed);
      await Promise.all([created, kept, runValues.begin(raw, values)]);
      const placed = await records.record(owner, planned);
      const state = runStateOf(id, placed.map(happenedIn));
      if (state === undefined) return id;
      for (const one of placed) ground.tell(eventOf(state, one));
      const at = placed.map(({ position }) => position);
      this.#adopt(owner, firstToken, { state, values: runValues, at }).wake();
      return id;
    } finally {
      this.#starting.delete(id);
    }
  }

  /** Waits until a run is settled, wherever that is seen first. */
  settled(id: string): SettledWait {
    const waiting = this.#waiters.wait(id);
    void this.#tellIfSettled(id);
    return waiting;
  }

  /** Whether a run is this process's, and set aside until something comes for it from outside: it is not settled. */
  isAside(id: string): boolean {
    return this.#runs.aside(id) !== undefined;
  }

  /** What is recorded of a run; undefined where there is none, or it was settled too long ago. */
  async state(id: string): Promise<RunState | undefined> {
    return (await this.values(id))?.state;
  }

  /** The values that a settled or running run has kept. */
  async values(id: string): Promise<RecordedRun | undefined> {
    return this.#runs.get(id) ?? this.#recorded.find(id, this.#runs.aside(id));
  }

  /** Gives a run values from outside. Throws `input-refused`, `input-differs`, `operation-settled` or `operation-unknown`. */
  async provide(id: string, given: Values): Promise<void> {
    const { registry } = this.#parts.ground;
    await giveInputs(await this.#told(id), given, registry, () => this.state(id));
  }

  /** Has a run undone that is not settled. Throws `operation-unknown`. */
  async cancel(id: string): Promise<void> {
    await (await this.#told(id)).say('operation-canceled', {});
  }

  /** Lets a parked run go on: what was tried too often is tried anew. Throws `operation-unknown`. */
  async resume(id: string): Promise<void> {
    const { state, say } = await this.#told(id);
    if (state.phase.is === 'parked') await say('operation-resumed', {});
  }

  /** Records what other processes say of runs that this one has. */
  async readMail(): Promise<void> {
    if (this.#runs.size === 0) return;
    await this.#parts.mail.read(this.#parts.lease.holder, (letter) => this.#runs.hear(letter));
  }

  /** A partition may have recovered. */
  wake(): void {
    this.#runs.wake();
  }

  /** Takes over what processes left that ended, and lets go on what waited for functions that are known by now. */
  async lookAround(): Promise<void> {
    if (this.#isClosed) return;
    for await (const page of this.#parts.stored.pages((id) => this.#runs.has(id))) {
      const free: StoredLiveRun[] = [];
      for (const one of page) if (await this.#free.isFree(one.run)) free.push(one);
      for (let i = 0; i < free.length; i += parallelTakeovers) {
        const some = free.slice(i, i + parallelTakeovers);
        await this.#takeOver(some);
        for (const { run } of some) this.#runs.get(run.id)?.wake();
      }
    }
    for (const id of this.#waiters.runs) if (this.#waiters.has(id)) await this.#tellIfSettled(id);
  }

  /** Forgets what was settled long enough ago. */
  async forgetOld(): Promise<void> {
    await forgetOldRuns(this.#parts);
  }

  /** The lease is over: what runs here may run elsewhere. */
  lost(): void {
    this.#runs.stop();
  }

  /** Lets everything go, as it is: others go on with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.lost();
    await this.#parts.lease.close();
  }

  /** A run, and how to say something of it: here, after it was taken over where nobody has it, or to who has it. */
  async #told(id: string): Promise<ToldRun> {
    const { stored, mail, ground } = this.#parts;
    this.#checkOpen();
    const known = await this.#runs.whole(id);
    if (known?.isOver) await this.#noted.get(known);
    const live = known?.isOver === false ? undefined : await stored.live(id);
    // What is parked stays so, but for what is said of it.
    if (live !== undefined && !(await this.#isElsewhere(live.run))) await this.#takeOver([live], false);
    const here = this.#runs.get(id);
    if (here !== undefined) {
      // It may have been set aside until it is said.
      const say: ToldRun['say'] = async (...said) => ((await this.#runs.whole(id)) ?? here).happen(...said);
      return { state: here.state, values: here.values, at: here.at, say };
    }
    const there = await this.#recorded.find(id);
    if (live === undefined || there === undefined) {
      throw new OperationError('operation-unknown', `there is no run ${id} that is not settled`);
    }
    return {
      ...there,
      say: (type, step) => mail.send(live.run.runner, ground.records.newId(), { run: id, type, step }),
    };
  }

  async #readAgain(id: string, aside: AsideRun): Promise<(() => OperationRun) | undefined> {
    const live = (await this.#parts.stored.live(id))?.run;
    const recorded = await this.#recorded.find(id, aside);
    if (live?.token !== aside.token || recorded === undefined) return undefined;
    return () => this.#adopt(live, aside.token, recorded);
  }

  async #isElsewhere({ runner }: LiveRun): Promise<boolean> {
    const { lease } = this.#parts;
    return runner !== lease.holder && lease.isAlive(runner);
  }

  async #takeOver(free: readonly StoredLiveRun[], resumes = true): Promise<void> {
    const { stored, lease, ground } = this.#parts;
    await lease.hold();
    const parts = { records: ground.records, stored, lease, recorded: this.#recorded };
    for (const { run, recorded } of await takeRuns(parts, free)) {
      if (recorded === undefined) await dropRun(this.#parts, run);
      else if (recorded.state.phase.is === 'settled') await this.#settle(run, recorded);
      else await this.#goOn(run, recorded, resumes);
    }
  }

  async #goOn(run: LiveRun, recorded: RecordedRun, resumes: boolean): Promise<void> {
    const { state } = recorded;
    const adopted = this.#adopt(run, run.token, recorded);
    if (resumes && state.phase.is === 'parked' && state.phase.error.startsWith('function-')) {
      await adopted.happen('operation-resumed', {});
    } else if (state.phase.is !== 'parked') adopted.wake();
  }

  #adopt(owner: OperationOwner, token: number, recorded: RecordedRun): OperationRun {
    const { ground, lease } = this.#parts;
    const { id, requester, workType } = owner;
    const held = { token, isHeld: () => lease.isHeld() };
    const run = new OperationRun(ground, held, { id, requester, workType }, recorded, (resting) =>
      this.#runs.rests(resting),
    );
    this.#runs.add(run);
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
      const found = await this.#parts.stored.live(id);
      // Who has it by now notes how it stands: what this process knows of it may not be all.
      const live = found?.run.runner === this.#parts.lease.holder ? found : undefined;
      if (end.is === 'abandoned') {
        this.#parts.onTrouble(`running operation ${id}`, end.error);
        this.#parts.ground.clock.after(pauseMs, () => void this.#takeUpAgain(id));
      } else if (live !== undefined && end.is === 'settled') {
        await this.#settle(live.run, run);
      } else if (live !== undefined && run.state.phase.is === 'parked') {
        await this.#parts.stored.update(
          { ...live.run, ...noted(run.at), runner: '', parked: run.state.phase.error },
          live.revision,
        );
      }
    } catch (error) {
      this.#parts.onTrouble(`noting how operation ${id} stands`, error);
      this.#parts.ground.clock.after(pauseMs, () => void this.#takeUpAgain(id));
    } finally {
      this.#runs.delete(run);
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

  async #settle(live: LiveRun, run: RecordedRun): Promise<void> {
    const { stored, onSettled } = this.#parts;
    await stored.settle(doneOf(live, run.state.updatedAt, run.at));
    const { id, awaited } = live;
    this.#waiters.tell(id, run);
    if (awaited === true) onSettled?.(id);
  }

  async #tellIfSettled(id: string): Promise<void> {
    if (this.isAside(id)) return;
    const here = this.#runs.get(id);
    if (here?.isOver) await this.#noted.get(here);
    const run = await this.values(id).catch(() => undefined);
    if (run?.state.phase.is === 'settled') this.#waiters.tell(id, run);
  }

  #checkOpen(): void {
    if (this.#isClosed)
      throw new OperationError('operation-closed', 'the gate is closed, and starts nothing any more');
  }
}
