import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { firstWith } from '../answer/resources/locate-deferral.ts';
import { systemClock as clock } from '../clock.ts';
import type { ItemHold } from '../decide/candidates/item-hold.ts';
import { ItemAdmission } from '../decide/item-admission.ts';
import { inTime } from '../in-time.ts';
import { LedgerError } from '../ledger/ledger-error.ts';
import { valueDigest } from '../ledger/operation-records.ts';
import { repeat } from '../ledger/repeat.ts';
import { KnownOperations } from '../operations/known-operations.ts';
import { OperationError } from '../operations/operation-error.ts';
import type { OperationEvent } from '../operations/operation-events.ts';
import { RunMail } from '../operations/run-mail.ts';
import { OperationRunner } from '../operations/runner.ts';
import { RunnerLease } from '../operations/runner-lease.ts';
import { Sources } from '../operations/sources.ts';
import { storedRuns } from '../operations/stored-runs.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import { OptionMissingError } from '../options/option-error.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import type { Deciding } from './decide.ts';
import { type FailureLooks, lookForFailures } from './failures.ts';
import type { OpenGroup, ResourceGroup } from './resource-group.ts';
import type { ResourceGroups } from './resource-groups.ts';

const forgetEveryMs = 60_000;
const readMailEveryMs = 250;
/** So many times as long as a look took there is none. */
const restFor = 40;

type Repeated = ReturnType<typeof repeat>;

/** What runs operations in one group. */
export interface GroupRunner {
  readonly group: ResourceGroup;
  readonly open: OpenGroup;
  readonly runner: OperationRunner;
  readonly registry: KnownOperations['registry'];
  /** Waits for something of its engine as long as its calls are waited for. */
  timed<Value>(work: Promise<Value>): Promise<Value>;
}

/** What hears of runs. */
export interface RunnersEar {
  /** Something of it is recorded, by this process. */
  happened(group: string, event: OperationEvent): void;
  /** A run that requests may wait for is settled. */
  settled(group: string, id: string): void;
}

/** What runs operations, in each group of a gate beside its ledger. */
export class Runners {
  readonly known = new KnownOperations();
  /** Makes an operation known that is stored somewhere; false where it is not. */
  learn: (name: string, version: string) => Promise<boolean> = async () => false;
  readonly #options: ResolvedOptions;
  readonly #groups: () => ResourceGroups | undefined;
  readonly #voice: Pick<GateVoice, 'tell' | 'trouble'>;
  readonly #ear: RunnersEar;
  readonly #admission: ItemAdmission;
  readonly #made = new Map<string, GroupRunner>();
  readonly #repeated = new Map<string, readonly Repeated[]>();
  readonly #failures = new Map<string, FailureLooks>();
  #isClosed = false;

  constructor(
    options: ResolvedOptions,
    deciding: Deciding & { readonly hold: ItemHold },
    voice: Pick<GateVoice, 'tell' | 'trouble'>,
    groups: () => ResourceGroups | undefined,
    ear: RunnersEar,
  ) {
    this.#options = options;
    this.#groups = groups;
    this.#voice = voice;
    this.#ear = ear;
    this.#admission = new ItemAdmission(deciding.admissions, options, deciding.hold);
  }

  /** That of a group; default the home group. Rejects with `option-missing`, `parameter-invalid`, or where it can't be opened. */
  async of(name: string | undefined): Promise<GroupRunner> {
    const groups = this.#groups();
    if (groups === undefined) throw new OptionMissingError('engine', 'say where the ledger lives');
    const group = name === undefined ? groups.home : groups.byName.get(name);
    if (group === undefined) {
      const there = [...groups.byName.keys()].join(', ');
      throw new LedgerError(
        'parameter-invalid',
        `group: ${JSON.stringify(name)} is none; give one of ${there}.`,
      );
    }
    const open = await group.opened();
    const made = this.#made.get(group.name) ?? this.#make(group, open);
    this.#made.set(group.name, made);
    this.#lookForFailing(group.name, open);
    return made;
  }

  /** Where a run is; undefined where there is none of that id, or no more. Rejects where a group can't be asked. */
  async locate(id: string): Promise<GroupRunner | undefined> {
    const all = this.#groups()?.all ?? [];
    // Rejects with the reason where there is no engine.
    if (all.length === 0) await this.of(undefined);
    const asked = all.map((group) => ({
      name: group.name,
      mark: group.mark,
      ledger: async () => (await group.opened()).ledger,
    }));
    const located = await firstWith(asked, id, async ({ name }) => {
      const of = await this.of(name);
      return (await of.timed(of.runner.state(id))) && of;
    });
    return located?.found;
  }

  /** A partition may have recovered. */
  wake(): void {
    for (const { runner } of this.#made.values()) runner.wake();
  }

  /** More is known of operations than was: what waited for it goes on. */
  lookAgain(): void {
    for (const { runner, group } of this.#made.values()) {
      runner
        .lookAround()
        .catch((error: unknown) => this.#trouble('looking for operations that can go on', error, group.name));
    }
  }

  /** A group's ledger is open: runs of processes that ended are taken over from now on. */
  begin(group: string): void {
    if (this.#repeated.has(group) || this.#isClosed) return;
    const runner = async (): Promise<OperationRunner> => (await this.of(group)).runner;
    const { leaseMs } = this.#options.perform;
    let restsUntil = 0;
    // Each look lists all that live. Where those are many it rests, so that looking does not slow what runs; but not for so long that nothing is taken over.
    const look = async (): Promise<void> => {
      const began = clock.now();
      if (began < restsUntil) return;
      await (await runner()).lookAround();
      const ended = clock.now();
      restsUntil = ended + Math.min((ended - began) * restFor, leaseMs * 2);
    };
    // What a closed engine refuses to one who was about to look is nobody's trouble.
    const failed = (error: unknown): void => {
      if (!this.#isClosed) this.#trouble('taking over operations', error, group);
    };
    void look().catch(failed);
    this.#repeated.set(group, [
      repeat(clock, leaseMs / 2, look, failed),
      repeat(clock, readMailEveryMs, async () => (await runner()).readMail(), failed),
      repeat(clock, forgetEveryMs, async () => (await runner()).forgetOld(), failed),
    ]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const repeated = [...this.#repeated.values(), [...this.#failures.values()]];
    await Promise.all(repeated.flat().map((one) => one.stop()));
    await Promise.all([...this.#made.values()].map(({ runner }) => runner.close()));
  }

  /** Who has no operations leaves it to those who have. */
  #lookForFailing(group: string, open: OpenGroup): void {
    if (this.#failures.has(group) || this.#isClosed || this.known.size === 0) return;
    const looks = lookForFailures(
      this.#options,
      open,
      (event) => this.#voice.tell('task-failing', { ...event, group }),
      (error) => this.#trouble('looking how often tasks fail', error, group),
    );
    this.#failures.set(group, looks);
  }

  #tell(group: string, event: OperationEvent): void {
    this.#voice.tell('operation', { ...event, group });
    this.#ear.happened(group, event);
    if (event.type === 'task-ended' && event.end !== 'succeeded') this.#failures.get(group)?.kick();
  }

  #trouble(doing: string, error: unknown, group: string): void {
    this.#voice.trouble(doing, error, group);
  }

  #make(group: ResourceGroup, open: OpenGroup): GroupRunner {
    const { engine, ledger } = open;
    const { name } = group;
    const { workTypes, perform, groups } = this.#options;
    const { engineTimeoutMs, keepOutcomeMs } =
      groups.find((one) => one.name === name)?.ledger ?? this.#options.ledger;
    const onTrouble = (doing: string, error: unknown): void => this.#trouble(doing, error, name);
    const { leaseMs } = perform;
    const holder = `${process.pid}-${randomUUID()}`;
    const onLost = (): void => this.#made.get(name)?.runner.lost();
    const lease = new RunnerLease({ store: engine.store, clock, leaseMs, holder, onTrouble, onLost });
    const runner = new OperationRunner({
      ground: {
        clock,
        registry: this.known.registry,
        sources: new Sources(ledger.operations, this.known.registry, this.known.allowed),
        records: ledger.operations,
        digest: valueDigest,
        corrupt: (message) => new LedgerError('record-corrupt', message),
        admit: (item) => this.#admission.admit(item),
        isPostponable: (workType) => !workTypes.some((one) => one.name === workType && one.exempt),
        completionsOf: (partition) => {
          const found = this.#groups()?.completionsOf(partition);
          return found === 'none' ? undefined : found;
        },
        host: hostname(),
        tell: (event) => this.#tell(name, event),
      },
      known: this.known,
      stored: storedRuns(engine.store),
      lease,
      mail: new RunMail(engine.store, clock, engineTimeoutMs),
      keepMs: keepOutcomeMs,
      strangeMs: leaseMs,
      learn: (operation, version) => this.learn(operation, version),
      onTrouble,
      onSettled: (id) => this.#ear.settled(name, id),
    });
    return {
      group,
      open,
      runner,
      registry: this.known.registry,
      timed: (work) => inTime(clock, engineTimeoutMs, 'The engine', work),
    };
  }
}

/** There is no such run, or it was settled too long ago. */
export function noSuchRun(id: string): OperationError {
  return new OperationError('operation-unknown', `there is no run ${id}, or it was settled too long ago`);
}
