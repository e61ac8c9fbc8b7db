import type { LedgerEntry, OperationStep } from '@slackwater/shared';
import { parseEntry } from '@slackwater/shared';
import { type Clock, systemClock } from '../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import type { EngineStore } from '../../../packages/middleware/src/engines/store.ts';
import { LedgerError } from '../../../packages/middleware/src/ledger/ledger-error.ts';
import type { Ledger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { valueDigest } from '../../../packages/middleware/src/ledger/operation-records.ts';
import { KnownOperations } from '../../../packages/middleware/src/operations/known-operations.ts';
import type { Operation } from '../../../packages/middleware/src/operations/operation.ts';
import type { OperationEvent } from '../../../packages/middleware/src/operations/operation-events.ts';
import type { RunGround } from '../../../packages/middleware/src/operations/run-ground.ts';
import { RunMail } from '../../../packages/middleware/src/operations/run-mail.ts';
import { OperationRunner } from '../../../packages/middleware/src/operations/runner.ts';
import { RunnerLease } from '../../../packages/middleware/src/operations/runner-lease.ts';
import { Sources } from '../../../packages/middleware/src/operations/sources.ts';
import { type OperationStatus, statusOf } from '../../../packages/middleware/src/operations/status.ts';
import { type StoredRuns, storedRuns } from '../../../packages/middleware/src/operations/stored-runs.ts';
import type { Bench, Overrides } from '../ledger/ledgers.ts';

/** What a process has of operations: a runner. */
export interface Berth {
  readonly runner: OperationRunner;
  readonly known: KnownOperations;
  readonly events: OperationEvent[];
  readonly troubles: unknown[];
  start(operation: Operation, input?: unknown): Promise<string>;
  /** Starts a run and waits until it is settled. */
  run(operation: Operation, input?: unknown): Promise<OperationStatus>;
  settled(id: string): Promise<OperationStatus>;
  status(id: string): Promise<OperationStatus>;
  /** Until the run stands like that. */
  until(id: string, stands: (status: OperationStatus) => boolean): Promise<OperationStatus>;
  /** Ends as a process that is killed: nothing is let go, and its lease is over for everybody. */
  vanish(): Promise<void>;
}

/** One process's share: an engine on the file, its ledger, and a runner. */
export interface Dock extends Berth {
  readonly ledger: Ledger;
  readonly engine: OpenEngine;
  /** All entries about a run, in the order of the log. */
  entries(id: string): Promise<readonly LedgerEntry[]>;
  close(): Promise<void>;
}

export interface BerthOptions {
  readonly ground?: Partial<RunGround>;
  readonly leaseMs?: number;
  readonly between?: (stored: StoredRuns) => StoredRuns;
  /** How many runs that wait for values from outside are kept whole in memory. */
  readonly mostWhole?: number;
  /** Puts something between its lease and the store. */
  readonly leaseStore?: (store: EngineStore) => EngineStore;
}

/** The time of this machine, with waits a fiftieth as long. */
export const hurried: Clock = {
  ...systemClock,
  wallNow: () => systemClock.wallNow() * 50,
  after: (delayMs, callback) => systemClock.after(delayMs / 50, callback),
};

let berths = 0;

/** Another runner on what a dock has open, as if it were another process. */
export function runnerOn(
  { ledger, engine }: Pick<Dock, 'ledger' | 'engine'>,
  {
    ground: own = {},
    leaseMs = 30_000,
    between = (stored) => stored,
    leaseStore = (store) => store,
    mostWhole,
  }: BerthOptions = {},
): Berth {
  const events: OperationEvent[] = [];
  const troubles: unknown[] = [];
  const clock = systemClock;
  const known = new KnownOperations();
  const ground: RunGround = {
    clock,
    records: ledger.operations,
    registry: known.registry,
    sources: new Sources(own.records ?? ledger.operations, known.registry, known.allowed),
    digest: valueDigest,
    corrupt: (message) => new LedgerError('record-corrupt', message),
    admit: () => ({ admitted: true, wrote() {}, finished() {} }),
    isPostponable: () => true,
    completionsOf: () => undefined,
    host: 'here',
    tell: (event) => events.push(event),
    ...own,
  };
  const onTrouble = (_: string, error: unknown): void => void troubles.push(error);
  const holder = `berth-${++berths}`;
  const lease = new RunnerLease({
    ...{ store: leaseStore(engine.store), clock, leaseMs, onTrouble, holder },
    onLost: () => runner.lost(),
  });
  const stored = between(storedRuns(engine.store));
  const runner = new OperationRunner({
    ...{
      ground,
      known,
      stored,
      lease,
      mail: new RunMail(engine.store, clock, 30_000),
      keepMs: 60_000,
      ...(mostWhole !== undefined && { mostWhole }),
      strangeMs: leaseMs,
      onTrouble,
    },
  });
  const berth: Berth = {
    runner,
    known,
    events,
    troubles,
    start: (operation, input) => runner.start(operation, input, { requester: 'ann', workType: 'default' }),
    settled: async (id) => statusOf((await runner.settled(id).settled).state),
    run: async (operation, input) => berth.settled(await berth.start(operation, input)),
    async status(id) {
      const state = await runner.state(id);
      if (state === undefined) throw new Error(`there is no run ${id}`);
      return statusOf(state);
    },
    async until(id, stands) {
      for (const end = Date.now() + 30_000; ; ) {
        const status = await berth.status(id);
        if (stands(status)) return status;
        if (Date.now() > end) throw new Error(`run ${id} stands like this: ${JSON.stringify(status)}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async vanish() {
      await runner.close();
      await engine.store.delete(`operation/runner/${holder}`);
    },
  };
  return berth;
}

/** An engine, its ledger, and a runner on it. */
export async function openDock(bench: Bench, options: BerthOptions & Overrides = {}): Promise<Dock> {
  const { ground, leaseMs, between, ...overrides } = options;
  const { ledger, engine } = await bench.open(overrides);
  const berth = runnerOn({ ledger, engine }, options);
  return {
    ...berth,
    ledger,
    engine,
    async entries(id) {
      const entries: LedgerEntry[] = [];
      for (let from = 0; ; from += 1_000) {
        const page = await engine.log.read(from, 1_000);
        if (page.length === 0) return entries;
        const text = Buffer.from(id);
        entries.push(
          ...page
            .filter((bytes) => Buffer.from(bytes).includes(text))
            .map(parseEntry)
            .filter((entry) => entry.id === id),
        );
      }
    },
    async close() {
      await berth.runner.close();
      await ledger.close();
      await engine.close();
    },
  };
}

/** What entries say, in short: type, task or stage, and how it ended. */
export function inShort(entries: readonly LedgerEntry[]): readonly string[] {
  return entries.map(({ type, step }) => {
    const { task, end, valid, result, error }: Partial<OperationStep> = step ?? {};
    const said = [task, end, valid === undefined ? undefined : valid ? 'valid' : 'not valid', result, error];
    return [type, ...said.filter((one) => one !== undefined && one !== 'succeeded')].join(' ');
  });
}
