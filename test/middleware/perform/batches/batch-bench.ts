import { deskOf } from '../../../../packages/middleware/src/joins/batches.ts';
import { checkBatch } from '../../../../packages/middleware/src/options/check-batch.ts';
import { resolveOptions } from '../../../../packages/middleware/src/options/resolve-options.ts';
import { createBatch, type KeptBatch } from '../../../../packages/middleware/src/perform/batches/batch.ts';
import type { BatchEvent } from '../../../../packages/middleware/src/perform/batches/batch-events.ts';
import type { BatchOptions } from '../../../../packages/middleware/src/perform/batches/batch-options.ts';
import type { BatchItem } from '../../../../packages/middleware/src/perform/batches/batch-types.ts';
import { readSchedule } from '../../../../packages/middleware/src/perform/batches/schedule.ts';
import {
  type BatchStore,
  ownStore,
  sharedState,
} from '../../../../packages/middleware/src/perform/batches/shared-state.ts';
import { type Host, type HostSetup, hostOf, rank } from '../../decide/host.ts';

/** One host with batches on a clock that is moved by hand; what performs is the test's. */
export interface BatchBench {
  readonly host: Host;
  readonly events: BatchEvent[];
  readonly troubles: Error[];
  /** Ids of the items that were performed, in their order. */
  readonly performed: string[];
  /** A batch of the work type `settle` of this host. */
  batch(options?: Partial<BatchOptions>): KeptBatch;
  /** Time goes on, in steps that let what is due happen. */
  go(ms: number, stepMs?: number): Promise<void>;
  /** That partition is over for `settle` from now on. */
  overload(partition: string): void;
  /** It recovers: fresh commits are quick again. */
  heal(partition: string): void;
}

export interface BenchSetup extends Partial<HostSetup> {
  readonly store?: BatchStore;
  /** Of the wall clock, Unix ms. */
  readonly startAt?: number;
}

export const thresholdMs = 200;

/** A host on which only work types whose names are given are known; `settle` may take 200 ms. */
export function batchBench({ store = ownStore(), startAt, ...setup }: BenchSetup = {}): BatchBench {
  const ranks = setup.ranks ?? [rank('authorize', 1, 400), rank('settle', 2, thresholdMs)];
  const host = hostOf({ ...setup, ranks });
  if (startAt !== undefined) host.time.jumpWall(startAt);
  const workTypes = Object.fromEntries(
    ranks.map(({ name, priority, exempt }) => [name, exempt ? { priority, exempt } : { priority }]),
  );
  const resolved = resolveOptions({ workTypes });
  const desk = deskOf(resolved, { ...host, ranks, sharing: undefined }, undefined, 'settle');
  const events: BatchEvent[] = [];
  const troubles: Error[] = [];
  const performed: string[] = [];
  let made = 0;
  return {
    host,
    events,
    troubles,
    performed,
    batch(options = {}) {
      const own: BatchOptions = {
        name: 'settlements',
        workType: 'settle',
        source: [],
        perform: async (items) => void performed.push(...items.map(({ id }) => id)),
        ...options,
      };
      const checked = checkBatch(own, resolved.workTypes, readSchedule);
      made += 1;
      return createBatch({
        clock: host.time,
        ...checked,
        desk,
        shared: sharedState(own.name, async () => store, host.time.wallNow),
        holder: `host ${made}`,
        newId: () => `run ${events.length}`,
        tell: (event) => events.push(event),
        trouble: (_, error) => troubles.push(error as Error),
      });
    },
    async go(ms, stepMs = Math.min(ms, 1_000)) {
      for (let gone = 0; gone < ms; gone += stepMs) {
        host.time.advance(Math.min(stepMs, ms - gone));
        await quiet();
      }
    },
    overload(partition) {
      for (let commits = 0; commits < 12; commits++) host.commitOf(300, partition);
    },
    heal(partition) {
      for (let commits = 0; commits < 64; commits++) host.commitOf(5, partition);
    },
  };
}

/** What promises alone make happen has happened. */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < 6; turns++) await new Promise(setImmediate);
}

/** Items of one partition: `A1`, `A2`. */
export function items(partition: string, count: number): BatchItem[] {
  return Array.from({ length: count }, (_, at) => ({ id: `${partition}${at + 1}`, partition }));
}
