import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { systemClock as clock } from '../clock.ts';
import type { ItemHold } from '../decide/candidates/item-hold.ts';
import { ItemAdmission } from '../decide/item-admission.ts';
import { commitSources } from '../drivers/driver.ts';
import { inTime } from '../in-time.ts';
import { ulidFactory } from '../ledger/ulid.ts';
import { checkBatch } from '../options/check-batch.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import { OptionContradictionError } from '../options/option-error.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import { type Batch, createBatch, type KeptBatch } from '../perform/batches/batch.ts';
import { BatchTroubleError } from '../perform/batches/batch-error.ts';
import type { BatchOptions } from '../perform/batches/batch-options.ts';
import type { BatchStatus } from '../perform/batches/batch-status.ts';
import type { BatchItem, BatchRun } from '../perform/batches/batch-types.ts';
import type { PartitionStanding } from '../perform/batches/judge-batch.ts';
import type { BatchDesk } from '../perform/batches/run-parts.ts';
import { readSchedule } from '../perform/batches/schedule.ts';
import { type BatchStore, ownStore, sharedState } from '../perform/batches/shared-state.ts';
import { requestContext } from '../request-context.ts';
import type { Deciding } from './decide.ts';
import type { ResourceGroup } from './resource-group.ts';

/** So many batches a gate has at most. */
const mostBatches = 1_000;

/** A batch as operators see it: ids of items, and what was thrown for them, may say whose they are. */
export type ListedBatch = Omit<BatchStatus, 'lastRun'> & { readonly lastRun?: Omit<BatchRun, 'failures'> };

/** The batches of a gate. */
export interface GateBatches {
  /** Throws `option-...` for what it can't be, and `batch-closed` once the gate is closed. */
  make<Item extends BatchItem>(options: BatchOptions<Item>): Batch;
  /** From now on their schedules are looked after. May be called again. */
  start(): void;
  /** A partition may have recovered. */
  wake(): void;
  /** How they stand, without what is said of single items. */
  list(): readonly ListedBatch[];
  close(): Promise<void>;
}

/** Makes the place where a gate's batches are. Where it records, hosts that share the engine share them. */
export function keepBatches(
  options: ResolvedOptions,
  deciding: Deciding & { readonly hold: ItemHold },
  voice: Pick<GateVoice, 'tell' | 'trouble'>,
  home: Pick<ResourceGroup, 'opened'> | undefined,
): GateBatches {
  const batches = new Map<string, KeptBatch>();
  const newId = ulidFactory(clock);
  const holder = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  const shared =
    home && timedStore(options.ledger.engineTimeoutMs, async () => (await home.opened()).engine.store);
  const own = ownStore();
  const nowMs = (): number => clock.wallNow();
  let isStarted = false;
  let closing: Promise<void> | undefined;

  return {
    make(given) {
      if (closing !== undefined) {
        throw new BatchTroubleError('batch-closed', 'The gate is closed. Make a new gate for new batches');
      }
      const checked = checkBatch(given, options.workTypes, readSchedule);
      const { name, workType } = checked.options;
      checkRoom(batches, name);
      const batch = createBatch({
        clock,
        ...checked,
        desk: deskOf(options, deciding, deciding.hold, workType),
        shared: sharedState(name, shared ?? (async () => own), nowMs),
        holder,
        newId,
        tell: (event) => voice.tell('batch', event),
        trouble: voice.trouble,
      });
      batches.set(name, batch);
      if (isStarted) batch.start();
      return batch;
    },
    start() {
      if (isStarted || closing !== undefined) return;
      isStarted = true;
      for (const batch of batches.values()) batch.start();
    },
    wake() {
      for (const batch of batches.values()) batch.wake();
    },
    list: () => [...batches.values()].map((batch) => listed(batch.status())),
    close() {
      closing ??= Promise.all([...batches.values()].map((batch) => batch.close())).then(() => {});
      return closing;
    },
  };
}

function listed({ lastRun, ...status }: BatchStatus): ListedBatch {
  if (lastRun === undefined) return status;
  const { failures, ...run } = lastRun;
  return { ...status, lastRun: run };
}

function checkRoom(batches: ReadonlyMap<string, KeptBatch>, name: string): void {
  if (batches.has(name)) {
    throw new OptionContradictionError(
      'batch.name',
      `there is a batch ${JSON.stringify(name)} already; give each batch of a gate a name of its own`,
    );
  }
  if (batches.size >= mostBatches) {
    throw new OptionContradictionError(
      'batch.name',
      `there are ${mostBatches} batches already, as many as a gate has`,
    );
  }
}

/** How a batch of that work type stands in line with requests and queued items. */
export function deskOf(
  options: Pick<ResolvedOptions, 'workTypes' | 'defaultWorkType'>,
  { table, admissions, ranks, sharing }: Pick<Deciding, 'table' | 'admissions' | 'ranks' | 'sharing'>,
  hold: ItemHold | undefined,
  workType: string,
): BatchDesk {
  const rank = ranks.findIndex(({ name }) => name === workType);
  const isExempt = ranks[rank]?.exempt === true;
  const admission = new ItemAdmission(admissions, options, hold);

  function known(): ReadonlySet<string> {
    const names = new Set<string>();
    for (const [partition] of table.latest(Number.POSITIVE_INFINITY)) names.add(partition);
    for (const { partition } of commitSources()) names.add(partition);
    for (const partition of sharing?.partitions() ?? []) names.add(partition);
    return names;
  }

  function standing(partition: string): PartitionStanding {
    if (isExempt) return { partition, valueMs: undefined, thresholdMs: undefined, state: 'clear' };
    const held =
      hold?.reasonsFor(workType, partition).filter((reason) => reason === 'database-unreachable') ?? [];
    return { ...(calm(partition) ?? looked(partition)), ...(held.length > 0 && { held }) };
  }

  /** Of a partition that is surely clear, without anything being kept of it: there may be thousands. */
  function calm(partition: string): PartitionStanding | undefined {
    const thresholdMs = ranks[rank]?.thresholdMs;
    if (typeof thresholdMs !== 'number' || admissions.isTroubled(partition)) return undefined;
    const valueMs = table.valueOf(partition);
    const isKnown = !Number.isNaN(valueMs);
    if (valueMs > thresholdMs || (!isKnown && sharing !== undefined)) return undefined;
    return { partition, valueMs: isKnown ? valueMs : undefined, thresholdMs, state: 'clear' };
  }

  function looked(partition: string): PartitionStanding {
    // Brings its state up to what is known now.
    admissions.wouldPerform(rank, partition);
    const { valueMs, thresholdMs, state = 'clear' } = admissions.stanceOf(rank, partition) ?? {};
    return { partition, valueMs, thresholdMs, state };
  }

  const isShadow = (): boolean => ranks[rank]?.shadow === true;
  return {
    standings: (of) => [...(of ?? known())].map(standing),
    wouldAdmit: (partition) => admissions.wouldPerform(rank, partition),
    admit: (partition) => admission.admit({ partition, workType }),
    isShadow,
    actFor: (wrote, work) =>
      requestContext.run({ postponable: !isExempt && !isShadow(), completion: undefined, wrote }, work),
  };
}

/** A store that answers in time or is in trouble. */
function timedStore(timeoutMs: number, open: () => Promise<BatchStore>): () => Promise<BatchStore> {
  const timed = <Value>(work: Promise<Value>): Promise<Value> =>
    inTime(clock, timeoutMs, 'The store of the engine', work);
  return async () => {
    const store = await timed(open());
    return {
      get: (key) => timed(store.get(key)),
      create: (key, value, terms) => timed(store.create(key, value, terms)),
      update: (key, value, revision, terms) => timed(store.update(key, value, revision, terms)),
    };
  };
}
