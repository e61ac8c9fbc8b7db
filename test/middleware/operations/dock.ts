import type { LedgerEntry, OperationStep } from '@slackwater/shared';
import { parseEntry } from '@slackwater/shared';
import { systemClock } from '../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { LedgerError } from '../../../packages/middleware/src/ledger/ledger-error.ts';
import type { Ledger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { valueDigest } from '../../../packages/middleware/src/ledger/operation-records.ts';
import { KnownOperations } from '../../../packages/middleware/src/operations/known-operations.ts';
import type { Operation } from '../../../packages/middleware/src/operations/operation.ts';
import type { OperationEvent } from '../../../packages/middleware/src/operations/operation-events.ts';
import type { RunGround } from '../../../packages/middleware/src/operations/run-ground.ts';
import { OperationRunner } from '../../../packages/middleware/src/operations/runner.ts';
import { RunnerLease } from '../../../packages/middleware/src/operations/runner-lease.ts';
import { type OperationStatus, statusOf } from '../../../packages/middleware/src/operations/status.ts';
import { storedRuns } from '../../../packages/middleware/src/operations/stored-runs.ts';
import type { Bench, Overrides } from '../ledger/ledgers.ts';

/** One process's share: an engine on the file, its ledger, and a runner. */
export interface Dock {
  readonly runner: OperationRunner;
  readonly known: KnownOperations;
  readonly ledger: Ledger;
  readonly engine: OpenEngine;
  readonly events: OperationEvent[];
  readonly troubles: unknown[];
  /** Starts a run and waits until it is settled. */
  run(operation: Operation, input?: unknown): Promise<OperationStatus>;
  start(operation: Operation, input?: unknown): Promise<string>;
  settled(id: string): Promise<OperationStatus>;
  status(id: string): Promise<OperationStatus>;
  /** Until the run stands like that. */
  until(id: string, stands: (status: OperationStatus) => boolean): Promise<OperationStatus>;
  /** All entries about a run, in the order of the log. */
  entries(id: string): Promise<readonly LedgerEntry[]>;
  /** As a process ends that is killed: nothing is let go. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

let docks = 0;

export interface DockOptions extends Overrides {
  readonly ground?: Partial<RunGround>;
  readonly leaseMs?: number;
}

export async function openDock(
  bench: Bench,
  { ground: own = {}, leaseMs = 600, ...overrides }: DockOptions = {},
): Promise<Dock> {
  const { ledger, engine } = await bench.open(overrides);
  const events: OperationEvent[] = [];
  const troubles: unknown[] = [];
  const clock = systemClock;
  const known = new KnownOperations();
  const ground: RunGround = {
    clock,
    records: ledger.operations,
    registry: known.registry,
    digest: valueDigest,
    corrupt: (message) => new LedgerError('record-corrupt', message),
    admit: () => ({ admitted: true, wrote() {}, finished() {} }),
    isPostponable: () => true,
    completionsOf: () => undefined,
    tell: (event) => events.push(event),
    ...own,
  };
  const onTrouble = (_: string, error: unknown): void => void troubles.push(error);
  const lease = new RunnerLease({
    ...{ store: engine.store, clock, leaseMs, onTrouble },
    holder: `dock-${++docks}`,
    onLost: () => runner.lost(),
  });
  const runner = new OperationRunner({
    ...{
      ground,
      known,
      stored: storedRuns(engine.store),
      lease,
      keepMs: 60_000,
      strangeMs: leaseMs,
      onTrouble,
    },
  });
  const dock: Dock = {
    runner,
    known,
    ledger,
    engine,
    events,
    troubles,
    start: (operation, input) => runner.start(operation, input, { requester: 'ann', workType: 'default' }),
    settled: async (id) => statusOf(await runner.settled(id)),
    run: async (operation, input) => dock.settled(await dock.start(operation, input)),
    async status(id) {
      const state = await runner.state(id);
      if (state === undefined) throw new Error(`there is no run ${id}`);
      return statusOf(state);
    },
    async until(id, stands) {
      for (const end = Date.now() + 30_000; ; ) {
        const status = await dock.status(id);
        if (stands(status)) return status;
        if (Date.now() > end) throw new Error(`run ${id} stands like this: ${JSON.stringify(status)}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async entries(id) {
      const entries = (await engine.log.read(0, 10_000)).map(parseEntry);
      return entries.filter((entry) => entry.id === id);
    },
    async kill() {
      // Its lease stays where it is.
      runner.lost();
      await engine.close();
    },
    async close() {
      await runner.close();
      await ledger.close();
      await engine.close();
    },
  };
  return dock;
}

/** What entries say, in short: type, task or stage, and how it ended. */
export function inShort(entries: readonly LedgerEntry[]): readonly string[] {
  return entries.map(({ type, step }) => {
    const { task, end, valid, result, error }: Partial<OperationStep> = step ?? {};
    const said = [task, end, valid === undefined ? undefined : valid ? 'valid' : 'not valid', result, error];
    return [type, ...said.filter((one) => one !== undefined && one !== 'succeeded')].join(' ');
  });
}
