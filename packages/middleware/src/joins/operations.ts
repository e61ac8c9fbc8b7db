import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { systemClock as clock } from '../clock.ts';
import type { ItemHold } from '../decide/candidates/item-hold.ts';
import { ItemAdmission } from '../decide/item-admission.ts';
import type { Completions } from '../drivers/driver.ts';
import { inTime } from '../in-time.ts';
import { LedgerError } from '../ledger/ledger-error.ts';
import { valueDigest } from '../ledger/operation-records.ts';
import { repeat } from '../ledger/repeat.ts';
import { KnownOperations } from '../operations/known-operations.ts';
import { OperationError } from '../operations/operation-error.ts';
import type { OperationEvent } from '../operations/operation-events.ts';
import { RunMail } from '../operations/run-mail.ts';
import type { RunState } from '../operations/run-state.ts';
import { OperationRunner } from '../operations/runner.ts';
import { RunnerLease } from '../operations/runner-lease.ts';
import { Sources } from '../operations/sources.ts';
import { type OperationStatus, statusOf } from '../operations/status.ts';
import { storedRuns } from '../operations/stored-runs.ts';
import type { GateOperations } from '../options/gate-operations.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import { OptionMissingError } from '../options/option-error.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import type { Deciding } from './decide.ts';
import { type FailureLooks, lookForFailures } from './failures.ts';
import type { OpenGroup } from './resource-group.ts';
import type { ResourceGroups } from './resource-groups.ts';

/** Under whose key the values of runs are sealed that are nobody's. */
const ownRequester = 'slackwater:operations';
const forgetEveryMs = 60_000;
const readMailEveryMs = 250;

/** The operations of a gate. */
export interface KeptOperations extends GateOperations {
  /** A partition may have recovered. */
  wake(): void;
  /** The home group's ledger is open: runs of processes that ended are taken over from now on. */
  begun(): void;
  close(): Promise<void>;
}

/** All labels that tasks of a run have given. */
function labelsGiven({ tasks }: RunState): readonly string[] {
  return [...tasks.values()].flatMap(({ end, gave }) => (end === 'succeeded' ? Object.keys(gave) : []));
}

/** Makes the place where a gate's operations are run: beside the home group's ledger. */
export function keepOperations(
  options: ResolvedOptions,
  deciding: Deciding & { readonly hold: ItemHold },
  voice: Pick<GateVoice, 'tell' | 'trouble'>,
  groups: () => ResourceGroups | undefined,
): KeptOperations {
  const known = new KnownOperations();
  const admission = new ItemAdmission(deciding.admissions, options, deciding.hold);
  const trouble = (doing: string, error: unknown): void => voice.trouble(doing, error, options.group);
  const { leaseMs } = options.perform;
  let made: OperationRunner | undefined;
  let isClosed = false;
  let looking: ReturnType<typeof repeat> | undefined;
  let forgetting: ReturnType<typeof repeat> | undefined;
  let reading: ReturnType<typeof repeat> | undefined;
  let failures: FailureLooks | undefined;

  function make(open: OpenGroup): OperationRunner {
    const { engine, ledger } = open;
    const holder = `${process.pid}-${randomUUID()}`;
    const lease = new RunnerLease({
      ...{ store: engine.store, clock, leaseMs, holder, onTrouble: trouble },
      onLost: () => made?.lost(),
    });
    return new OperationRunner({
      ground: {
        clock,
        registry: known.registry,
        sources: new Sources(ledger.operations, known.registry, known.allowed),
        records: ledger.operations,
        digest: valueDigest,
        corrupt: (message) => new LedgerError('record-corrupt', message),
        admit: (item) => admission.admit(item),
        isPostponable: (workType) =>
          !options.workTypes.some(({ name, exempt }) => name === workType && exempt),
        completionsOf,
        host: hostname(),
        tell,
      },
      known,
      stored: storedRuns(engine.store),
      lease,
      mail: new RunMail(engine.store, clock, options.ledger.engineTimeoutMs),
      keepMs: options.ledger.keepOutcomeMs,
      strangeMs: leaseMs,
      onTrouble: trouble,
    });
  }

  function tell(event: OperationEvent): void {
    voice.tell('operation', { ...event, group: options.group });
    if (event.type === 'task-ended' && event.end !== 'succeeded') failures?.kick();
  }

  /** Who has no operations leaves it to those who have. */
  function lookForFailing(open: OpenGroup): void {
    if (failures !== undefined || isClosed || known.size === 0) return;
    failures = lookForFailures(
      options,
      open,
      (event) => voice.tell('task-failing', { ...event, group: options.group }),
      (error) => trouble('looking how often tasks fail', error),
    );
  }

  function completionsOf(partition: string): Completions | undefined {
    const found = groups()?.completionsOf(partition);
    return found === 'none' ? undefined : found;
  }

  async function runner(): Promise<OperationRunner> {
    const home = groups()?.home;
    if (home === undefined) throw new OptionMissingError('engine', 'say where the ledger lives');
    const open = await home.opened();
    made ??= make(open);
    lookForFailing(open);
    return made;
  }

  const timed = <Value>(work: Promise<Value>): Promise<Value> =>
    inTime(clock, options.ledger.engineTimeoutMs, 'The engine', work);

  function lookAgain(): void {
    made?.lookAround().catch((error: unknown) => trouble('looking for operations that can go on', error));
  }

  async function after(id: string, act: (of: OperationRunner) => Promise<void>): Promise<OperationStatus> {
    const of = await runner();
    // A letter to another process has its own limit.
    await act(of);
    const state = await timed(of.state(id));
    if (state === undefined) throw new Error(`Run ${id} is gone.`);
    return statusOf(state);
  }

  return {
    register(...operations) {
      for (const operation of operations) known.add(operation);
      void made
        ?.lookAround()
        .catch((error: unknown) => trouble('looking for operations that can go on', error));
    },
    allowSources(...digests) {
      for (const digest of digests) known.allowed.add(digest);
      lookAgain();
    },
    async start(operation, input, { requester = ownRequester } = {}) {
      known.add(operation);
      const of = await runner();
      const terms = { requester, workType: options.defaultWorkType };
      const id = await timed(of.start(operation, input, terms));
      return { id, settled: of.settled(id).then(statusOf) };
    },
    async find(id) {
      const state = await timed((await runner()).state(id));
      return state && statusOf(state);
    },
    async settled(id) {
      const of = await runner();
      if ((await timed(of.state(id))) === undefined) {
        throw new OperationError(
          'operation-unknown',
          `there is no run ${id}, or it was settled too long ago`,
        );
      }
      return statusOf(await of.settled(id));
    },
    async outputs(id) {
      const found = await timed((await runner()).values(id));
      return found && timed(found.values.valuesOf(labelsGiven(found.state), found.state));
    },
    provide: (id, values) => after(id, (of) => of.provide(id, values)),
    cancel: (id) => after(id, (of) => of.cancel(id)),
    resume: (id) => after(id, (of) => of.resume(id)),
    wake() {
      made?.wake();
    },
    begun() {
      if (looking !== undefined || isClosed) return;
      const look = async (): Promise<void> => {
        await (await runner()).lookAround();
      };
      // What a closed engine refuses to one who was about to look is nobody's trouble.
      const failed = (error: unknown): void => {
        if (!isClosed) trouble('taking over operations', error);
      };
      void look().catch(failed);
      looking = repeat(clock, leaseMs / 2, look, failed);
      reading = repeat(clock, readMailEveryMs, async () => (await runner()).readMail(), failed);
      forgetting = repeat(clock, forgetEveryMs, async () => (await runner()).forgetOld(), failed);
    },
    async close() {
      isClosed = true;
      await Promise.all([looking?.stop(), reading?.stop(), forgetting?.stop(), failures?.stop()]);
      await made?.close();
    },
  };
}
