import { AsyncResource } from 'node:async_hooks';
import { systemClock as clock } from '../clock.ts';
import type { Engine } from '../engines/engine.ts';
import { within } from '../ledger/deadline.ts';
import { keepOpen, type OpenRecords } from '../ledger/keep-open.ts';
import { statePrefix } from '../ledger/states.ts';
import { groupMark } from '../ledger/ulid.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { GroupPolicy, ResolvedOptions } from '../options/resolved.ts';
import type { CancelResult } from '../perform/cancel.ts';
import { LearnedTransactions } from '../perform/learned-transactions.ts';
import { createPerformer, type Performer, type PerformerSetup } from '../perform/performer.ts';
import type { PerformError } from '../perform/performer-events.ts';
import { QueueActivity } from '../perform/queue-activity.ts';
import { QueuePauses } from '../perform/queue-pauses.ts';
import type { RedriveResult, RedriveTerms } from '../perform/redrive.ts';
import { type StartOnce, startOnce } from '../perform/start-once.ts';
import type { WebhookSender } from '../perform/webhooks/webhook-sender.ts';
import { type AuditDesk, auditDesk } from './audit-desk.ts';
import { corruptEventOf } from './corrupt-event.ts';
import { type Eraser, startEraser } from './erasing.ts';
import type { RunsOfGroup } from './group-operations.ts';
import { ownWorkOf } from './own-work.ts';
import { type QueueDesk, queueDesk } from './queue-desk.ts';
import { timedLooks } from './timed-looks.ts';
import { groupWebhooks, isTold } from './webhooks.ts';

/** What of a group is there while its ledger is open: the chain, and what performs from its queue. */
export interface OpenGroup extends OpenRecords {
  readonly performer: Performer;
  readonly transactions: LearnedTransactions;
  readonly audit: AuditDesk;
  readonly desk: QueueDesk;
  readonly pauses: QueuePauses;
  readonly eraser: Eraser;
}

/**
 * A resource group: a ledger, and what of this process maintains it. Its trouble is its own: whatever becomes of one, the
 * others record and perform.
 */
export interface ResourceGroup {
  readonly name: string;
  /** What the ids of its deferrals have; see `groupMark`. */
  readonly mark: string;
  readonly engine: Pick<Engine, 'name' | 'durable' | 'server'>;
  /** Whether anybody may read its checkpoint and blocks. */
  readonly isPublic: boolean;
  /** As far as it has come; undefined while its ledger is not open. */
  readonly current: OpenGroup | undefined;
  readonly starter: StartOnce;
  /** Rejects where it can't be opened. */
  opened(): Promise<OpenGroup>;
  /** The same, and rejects where that takes longer than its `engineTimeoutMs`. */
  open(): Promise<OpenGroup>;
  /** Default why: its requester wants it. */
  cancel(id: string, why?: PerformError): Promise<CancelResult>;
  redrive(id: string, terms: RedriveTerms): Promise<RedriveResult>;
  /** Erases a requester; see {@link Eraser}. */
  erase(...wish: Parameters<Eraser['erase']>): ReturnType<Eraser['erase']>;
  /** Queries over its index; each rejects where it can't be opened. */
  readonly audit: Pick<AuditDesk, 'list' | 'counts' | 'entriesOf'>;
  /** Ends attempts under way, and lets the engine go. */
  close(): Promise<void>;
}

/** What all groups of a gate share. */
export interface GroupGround {
  readonly options: Pick<
    ResolvedOptions,
    | 'application'
    | 'auth'
    | 'workTypes'
    | 'parts'
    | 'perform'
    | 'webhooks'
    | 'monitors'
    | 'publicUrl'
    | 'basePath'
  >;
  /** The requests that this process performs and that have deferred parts, by the id that the parts have for them. */
  readonly underWay: ReadonlySet<string>;
  /** Runs of operations in its ledger. */
  readonly runsOf: (group: string) => RunsOfGroup;
  readonly voice: Pick<GateVoice, 'tell' | 'trouble' | 'warn'>;
  readonly performing: Pick<PerformerSetup, 'admission' | 'replay' | 'completionsOf'> &
    Partial<Pick<PerformerSetup, 'roomOf'>>;
  /** Whether an application is known: without one nothing has a route, and everything would be parked. */
  readonly hasApp: () => boolean;
  /** What another group has seen of how many transactions routes take, where it is open. */
  readonly seenElsewhere: () => LearnedTransactions | undefined;
  /** A deferral of that id may have changed; of an empty one, any. */
  readonly changed: (id: string) => void;
  readonly onOpen: (open: OpenGroup, group: string) => void;
  /** Its ledger is open and agrees with its queue. */
  readonly onBegun: () => void;
}

/** Makes a group. Nothing is opened yet. */
export function resourceGroup({ name, engine, ledger }: GroupPolicy, ground: GroupGround): ResourceGroup {
  const { options, voice } = ground;
  const trouble = (doing: string, error: unknown): void => voice.trouble(doing, error, name);
  // What is opened for the first request must not live in that request's asynchronous context.
  const outside = new AsyncResource('Slackwater');
  let current: OpenGroup | undefined;
  const setup = {
    ...ledger,
    application: options.application,
    group: name,
    onStop: (error: unknown) => trouble('keeping the ledger: it is stopped', error),
    onRecoveryFailed: (error: unknown) => trouble('comparing states and queue with the ledger', error),
    onTrouble: trouble,
  };
  const kept = keepOpen(engine, clock, setup, (records) => {
    const transactions = new LearnedTransactions(records.engine.store);
    const pauses = new QueuePauses(records.engine.store, clock);
    const { underWay } = ground;
    const activity = new QueueActivity(clock);
    const performer = createPerformer({
      ...ground.performing,
      ...ownWorkOf(options, records.ledger, ground.performing.replay, {
        underWay,
        runs: ground.runsOf(name),
        clock,
        trouble,
      }),
      pauses,
      queue: records.engine.queue,
      clock,
      options: options.perform,
      async knownTransactions({ method, route }) {
        const own = await transactions.known(method, route);
        return own ?? ground.seenElsewhere()?.known(method, route);
      },
      learnTransactions: ({ method, route }, count) => transactions.learn(method, route, count),
      unwitnessed: ({ method, route, partition }) =>
        voice.warn('performed-without-completion', unwitnessedMessage(method, route, partition)),
      on(event) {
        activity.note(event);
        voice.tell('deferral', { ...event, group: name });
        if (event.type === 'trouble') trouble(event.doing, event.error);
        const corrupt = corruptEventOf(event, name);
        if (corrupt !== undefined) voice.tell('corrupt', corrupt);
        ground.changed(event.id ?? '');
        if (isTold(event)) webhooks?.kick();
      },
    });
    const audit = auditDesk({ ...options, group: name, ledger }, records, clock, trouble);
    const parked = (): number | undefined => audit.status()?.parked;
    const desk = queueDesk(name, records.engine.queue, pauses, performer, activity, parked);
    const eraser = startEraser(records.ledger, performer, clock, trouble);
    current = { ...records, performer, transactions, audit, desk, pauses, eraser };
    records.engine.listen?.({
      keyPrefix: statePrefix,
      enqueued: (partition) => performer.enqueued(partition),
      due: (at) => performer.due(at),
      changed: (key) => ground.changed(key.slice(statePrefix.length)),
    });
    ground.onOpen(current, name);
  });

  async function opened(): Promise<OpenGroup> {
    await outside.runInAsyncScope(kept.open);
    if (current === undefined) throw new Error('The ledger is open and nothing was made of it.');
    return current;
  }

  let looks: ReturnType<typeof timedLooks> | undefined;
  let webhooks: WebhookSender | undefined;

  async function begin(): Promise<void> {
    const open = await opened();
    await open.ledger.recover();
    const { keepOutcomeMs } = ledger;
    const told = { name, keepOutcomeMs, durable: engine.durable };
    webhooks ??= groupWebhooks(options, told, open, voice, clock, trouble);
    const { workTypes } = options;
    const surroundings = { voice, clock, trouble, performs: ground.hasApp };
    looks ??= timedLooks({ group: name, workTypes, ...open, ...surroundings });
    ground.onBegun();
  }

  const open = (): Promise<OpenGroup> => within(clock, ledger.engineTimeoutMs, opened);
  const performing = { when: ground.hasApp, goOn: () => current?.performer.start() };
  const starter = startOnce(clock, begin, performing, (error) => trouble('opening the ledger', error));
  return {
    name,
    mark: groupMark(name),
    engine,
    isPublic: ledger.public,
    get current() {
      return current;
    },
    starter,
    opened,
    open,
    async cancel(id, why) {
      const { performer, ledger: of } = await open();
      const deferral = why === undefined ? await of.find(id) : undefined;
      const asked = deferral && (await ground.runsOf(name).cancel(deferral));
      return asked ?? performer.cancel(id, why);
    },
    async redrive(id, terms) {
      const { performer, ledger: of } = await open();
      const deferral = await of.find(id);
      const resumed = deferral && (await ground.runsOf(name).resume(deferral));
      return resumed ?? performer.redrive(id, terms);
    },
    erase: async (...wish) => (await open()).eraser.erase(...wish),
    audit: {
      list: async (query) => (await open()).audit.list(query),
      counts: async (query) => (await open()).audit.counts(query),
      entriesOf: async (id) => (await open()).audit.entriesOf(id),
    },
    async close() {
      starter.stop();
      // What is under way out of its turn ends as the performer's attempts do.
      const looked = looks?.stop();
      await webhooks?.close();
      current?.eraser.close();
      await current?.performer.close();
      await looked;
      await current?.audit.close();
      await kept.close();
    },
  };
}

function unwitnessedMessage(method: string, route: string, partition: string): string {
  return (
    `A deferral of ${method} ${route} was performed, and nothing that it wrote was seen to be committed on an observed connection (its partition is ${partition}): ` +
    'if it writes, after a crash it may be done a second time.'
  );
}
