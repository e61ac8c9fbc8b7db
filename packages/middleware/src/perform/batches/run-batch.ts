import { asBatchError } from './batch-error.ts';
import type { BatchItem } from './batch-types.ts';
import { type BatchVerdict, hasRoom, judgeBatch, type PartitionStanding } from './judge-batch.ts';
import { type Allowance, performChunk, type Running } from './perform-chunk.ts';
import { checkItem, idOf, openSource, type TimedReader } from './read-items.ts';
import type { RunOrder, RunParts } from './run-parts.ts';
import { type RunCounts, RunTally } from './run-tally.ts';

/** After so many items the event loop has its turn. */
const itemsPerTurn = 500;

const nothingOver: BatchVerdict = { act: 'perform', reasons: ['clear'], over: [] };

/** What was read at once. */
interface Chunk {
  readonly items: readonly BatchItem[];
  /** Whether that was the last of it, and why, where it was no good end. */
  readonly isLast: boolean;
  readonly error?: unknown;
}

/** What a run came to. */
export interface RunEnd extends RunCounts {
  /** Whether a call of `perform` goes on although nobody waits for it any more. */
  readonly isLoose: boolean;
}

/**
 * Runs a batch once: judges, reads its items, performs what may be performed, and, where there is room, what is due only later. Never rejects.
 */
export async function runBatch(parts: RunParts, order: RunOrder): Promise<RunEnd> {
  const run = new RunOfBatch(parts, order);
  try {
    await run.pass(false);
    if (run.mayDoMore()) await run.pass(true);
  } catch (error) {
    run.tally.fail(error);
  }
  return { ...run.tally.counts(), isLoose: run.setAside.size > 0 };
}

class RunOfBatch implements Running {
  readonly parts: RunParts;
  readonly order: RunOrder;
  readonly tally: RunTally;
  readonly isFree: boolean;
  readonly probed = new Set<string>();
  readonly setAside = new Set<string>();
  /** Ids that had their turn. */
  readonly #seen = new Set<string>();
  /** Partitions that items were read for. */
  readonly #touched = new Set<string>();
  #read = 0;
  #verdict = nothingOver;
  #over: ReadonlyMap<string, PartitionStanding> = new Map();

  constructor(parts: RunParts, order: RunOrder) {
    this.parts = parts;
    this.order = order;
    this.tally = new RunTally(parts.histories);
    this.isFree = order.isForced || parts.desk.isShadow();
  }

  readonly allowance = (partition: string): Allowance => {
    const { act } = this.#verdict;
    const standing = this.#over.get(partition);
    if (this.isFree || act === 'perform' || (act === 'exclude' && standing === undefined)) return 'all';
    if (standing === undefined || standing.held !== undefined || this.probed.has(partition)) return 'none';
    return this.order.probes && this.parts.desk.wouldAdmit(partition) ? 'one' : 'none';
  };

  /** Whether what is due only later may be done now. */
  mayDoMore(): boolean {
    const { outcome } = this.tally.counts();
    return outcome === 'performed' && !this.#isStopped() && this.#hasRoom();
  }

  /** @param early true: of what is due only later too */
  async pass(early: boolean): Promise<void> {
    const { options, source, clock } = this.parts;
    if (options.judgedBy === 'known') this.#judge(undefined);
    if (this.#takesNothing()) return this.#leaveAll();
    const ending = new AbortController();
    const excluded = new Set(this.isFree ? [] : this.#over.keys());
    const { tally } = this;
    const asked = {
      dueBy: early ? Number.POSITIVE_INFINITY : clock.wallNow(),
      get excluded() {
        tally.hide();
        return excluded;
      },
      signal: ending.signal,
    };
    try {
      const reader = await openSource(source, asked, { clock, ...options });
      await this.#performAll(reader, early).finally(() => reader.end());
    } finally {
      ending.abort();
    }
  }

  async #performAll(reader: TimedReader, early: boolean): Promise<void> {
    const { options, source } = this.parts;
    for (;;) {
      const { items, isLast, error } = await this.#readChunk(reader, early);
      if (items.length > 0) {
        // Anew each time: what was read and performed took its time.
        this.#judge(options.judgedBy === 'known' ? undefined : this.#touched);
        if (early && !this.#hasRoom()) return;
        source.settle(await performChunk(this, items, early));
      }
      if (error !== undefined) throw error;
      if (isLast || this.#takesNothing()) return;
    }
  }

  async #readChunk(reader: TimedReader, early: boolean): Promise<Chunk> {
    const { options, clock } = this.parts;
    const items: BatchItem[] = [];
    while (items.length < options.readAhead) {
      if (this.#isStopped()) return { items, isLast: true };
      try {
        const given = reader.next();
        const next = given instanceof Promise ? await given : given;
        if (next === undefined) return { items, isLast: true };
        if (this.#read >= options.maxItems) {
          this.tally.hasMore = true;
          return { items, isLast: true };
        }
        this.#read += 1;
        const item = this.#wanted(next.item, early ? Number.POSITIVE_INFINITY : clock.wallNow());
        if (item !== undefined) items.push(item);
      } catch (error) {
        return { items, isLast: true, error };
      }
      if (this.#read % itemsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return { items, isLast: false };
  }

  /** The item, where it is one and has its turn now. */
  #wanted(given: unknown, dueBy: number): BatchItem | undefined {
    const { options } = this.parts;
    const item = checkItem(options.name, given);
    if (item instanceof Error) {
      this.tally.failed({ id: idOf(given), partition: '' }, asBatchError(item, 'batch-item-invalid'));
      return undefined;
    }
    if (this.#seen.has(item.id) || (item.dueAt !== undefined && item.dueAt > dueBy)) return undefined;
    this.#seen.add(item.id);
    this.#touched.add(item.partition);
    if (options.judgedBy === 'touched' || this.allowance(item.partition) !== 'none') return item;
    this.tally.left(item, true);
    return undefined;
  }

  #isStopped(): boolean {
    const isStopped = this.order.stop.aborted || !this.order.mayGoOn();
    if (isStopped) this.tally.interrupt();
    return isStopped;
  }

  #judge(of: ReadonlySet<string> | undefined): void {
    const { options, desk } = this.parts;
    const verdict = judgeBatch(options.direction, desk.standings(of));
    this.#verdict = verdict;
    this.#over = new Map(verdict.over.map((standing) => [standing.partition, standing]));
    const { act, reasons, over } = verdict;
    if (act === 'perform' || this.order.isForced) return;
    if (this.isFree) this.tally.noteShadow(act === 'postpone' ? 'postponed' : 'partly-performed', reasons);
    else if (act === 'postpone') this.tally.postpone(reasons, over);
    else this.tally.exclude(reasons, over);
  }

  /** Whether nothing can be performed, wherever it goes. */
  #takesNothing(): boolean {
    if (this.isFree || this.#verdict.act !== 'postpone') return false;
    return [...this.#over.keys()].every((partition) => this.allowance(partition) === 'none');
  }

  #hasRoom(): boolean {
    const { options, desk } = this.parts;
    const { extraWorkBelowMs } = options;
    const of = options.judgedBy === 'known' ? undefined : this.#touched;
    return extraWorkBelowMs !== undefined && hasRoom(extraWorkBelowMs, desk.standings(of));
  }

  /** Those that are known to wait are postponed, each of them. */
  #leaveAll(): void {
    for (const given of this.parts.source.waiting()) {
      const item = checkItem(this.parts.options.name, given);
      if (!(item instanceof Error) && !this.#seen.has(item.id)) this.tally.left(item, true);
    }
  }
}
