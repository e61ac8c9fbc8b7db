import { AsyncResource } from 'node:async_hooks';
import { makeWatchers, type Watchers } from '../answer/watchers.ts';
import { systemClock as clock } from '../clock.ts';
import type { ItemHold } from '../decide/candidates/item-hold.ts';
import { ItemAdmission } from '../decide/item-admission.ts';
import { type Completions, completionsAt } from '../drivers/driver.ts';
import type { Engine } from '../engines/engine.ts';
import { within } from '../ledger/deadline.ts';
import { keepOpen, type OpenRecords } from '../ledger/keep-open.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import { statePrefix } from '../ledger/states.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import type { CancelResult } from '../perform/cancel.ts';
import { LearnedTransactions } from '../perform/learned-transactions.ts';
import { createPerformer, type Performer } from '../perform/performer.ts';
import { createReplay } from '../perform/replay.ts';
import { type StartOnce, startOnce } from '../perform/start-once.ts';
import type { ReplayApp } from '../perform/through-app.ts';
import { type AuditDesk, auditDesk } from './audit-desk.ts';
import { lookAtCompletionTables } from './completion-tables.ts';
import type { Deciding } from './decide.ts';

/** The application that deferrals are performed through, once it is known. */
export interface Mounted {
  at: ReplayApp | undefined;
}

/** The ledger when it is open, and what performs from its queue. */
export interface Recorded extends OpenRecords {
  readonly performer: Performer;
  readonly transactions: LearnedTransactions;
  readonly audit: AuditDesk;
}

/** Where requests are recorded, and performed from. */
export interface Recording {
  readonly durable: Engine['durable'];
  readonly current: Recorded | undefined;
  readonly starter: StartOnce;
  /** Rejects where it can't be opened. */
  opened(): Promise<Recorded>;
  /** The same, and rejects where that takes longer than `engineTimeoutMs`. */
  open(): Promise<Recorded>;
  completionsOf(partition: string): Completions | 'none' | undefined;
  cancel(id: string): Promise<CancelResult>;
  /** Queries over its index; each rejects where it can't be opened. */
  readonly audit: Pick<AuditDesk, 'list' | 'counts' | 'entriesOf'>;
  readonly watch: Watchers['watch'];
  close(): Promise<void>;
}

/** What can't be performed now is recorded, and performed when its partition takes it. */
export function record(
  options: ResolvedOptions,
  engine: Engine,
  deciding: Deciding & { readonly hold?: ItemHold },
  voice: GateVoice,
  app: Mounted,
  onOpen: (ledger: Ledger) => void,
): Recording {
  const { trouble } = voice;
  const watchers = makeWatchers();
  // What is opened for the first request must not live in that request's asynchronous context.
  const outside = new AsyncResource('Slackwater');
  let current: Recorded | undefined;
  const setup = {
    ...options.ledger,
    application: options.application,
    group: options.group,
    onStop: (error: unknown) => trouble('keeping the ledger: it is stopped', error),
    onRecoveryFailed: (error: unknown) => trouble('comparing states and queue with the ledger', error),
    onTrouble: trouble,
  };
  const kept = keepOpen(engine, clock, setup, (records) => {
    const transactions = new LearnedTransactions(records.engine.store);
    const performer = createPerformer({
      queue: records.engine.queue,
      ledger: records.ledger,
      admission: new ItemAdmission(deciding.admissions, options, deciding.hold),
      replay: createReplay({
        app: () => app.at,
        clock,
        performedFor: app,
        onRouteError: (error, id) => trouble(`performing deferral ${id}: its route failed`, error),
      }),
      completionsOf: (partition) => {
        const completions = completionsOf(partition);
        return completions === 'none' ? 'at-least-once' : completions;
      },
      clock,
      options: options.perform,
      knownTransactions: ({ method, route }) => transactions.known(method, route),
      learnTransactions: ({ method, route }, count) => transactions.learn(method, route, count),
      repeatable: ({ workType }) => options.workTypes.some((one) => one.name === workType && one.repeatable),
      on(event) {
        voice.tell('deferral', event);
        if (event.type === 'trouble') trouble(event.doing, event.error);
        watchers.changed(event.id ?? '');
      },
    });
    current = { ...records, performer, transactions, audit: auditDesk(options, records, clock, trouble) };
    records.engine.listen?.({
      keyPrefix: statePrefix,
      enqueued: (partition) => performer.enqueued(partition),
      due: (at) => performer.due(at),
      changed: (key) => watchers.changed(key.slice(statePrefix.length)),
    });
    deciding.sharing?.begin(records.engine.store);
    onOpen(records.ledger);
  });

  /** What is measured by `latency.commit` has no driver, and so no completion rows. */
  function completionsOf(partition: string): Completions | 'none' | undefined {
    const isMeasured = deciding.table.read(partition).samples > 0;
    return completionsAt(partition) ?? (isMeasured ? 'none' : undefined);
  }

  async function opened(): Promise<Recorded> {
    await outside.runInAsyncScope(kept.open);
    if (current === undefined) throw new Error('The ledger is open and nothing was made of it.');
    return current;
  }

  const tables = lookAtCompletionTables(clock);

  async function begin(): Promise<void> {
    const { ledger } = await opened();
    await ledger.recover();
    tables.begin();
  }

  const open = (): Promise<Recorded> => within(clock, options.ledger.engineTimeoutMs, opened);
  // Without an application nothing has a route, and everything would be parked.
  const performing = { when: () => app.at !== undefined, goOn: () => current?.performer.start() };
  const starter = startOnce(clock, begin, performing, (error) => trouble('opening the ledger', error));
  return {
    durable: engine.durable,
    get current() {
      return current;
    },
    starter,
    opened,
    open,
    completionsOf,
    audit: {
      list: async (query) => (await open()).audit.list(query),
      counts: async (query) => (await open()).audit.counts(query),
      entriesOf: async (id) => (await open()).audit.entriesOf(id),
    },
    cancel: async (id) => (await open()).performer.cancel(id),
    watch: watchers.watch,
    async close() {
      tables.close();
      starter.stop();
      await current?.performer.close();
      await current?.audit.close();
      await kept.close();
    },
  };
}
