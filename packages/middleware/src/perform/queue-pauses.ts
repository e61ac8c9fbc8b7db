import { Buffer } from 'node:buffer';
import { ParameterError } from '@slackwater/shared';
import type { Clock } from '../clock.ts';
import type { EngineStore } from '../engines/store.ts';

/** Who paused, and when. */
export interface PauseMark {
  /** `token:<subject>` or `code:<name>`. */
  readonly by: string;
  /** RFC 3339. */
  readonly at: string;
}

/** What of a group's queue is paused. */
export interface Pauses {
  /** Present where all of it is. */
  readonly all?: PauseMark;
  /** Partitions that are paused by themselves. */
  readonly partitions: ReadonlyMap<string, PauseMark>;
}

/** What the performer asks of pauses. */
export interface PausesToHeed {
  /** Whether nothing of that partition is to be claimed. So it is of all of them until it is known. */
  isPaused(partition: string): boolean;
  /** Finds out what others have paused and resumed. True where anything may be claimed that could not before. Rejects where the engine can't be asked. */
  look(): Promise<boolean>;
}

/** Nothing is paused. */
export const neverPaused: PausesToHeed = { isPaused: () => false, look: async () => false };

/** So many partitions are paused by themselves at most. */
const mostPartitions = 1_000;
const key = 'queues/paused';
const nothing: Pauses = { partitions: new Map() };

/** What operators have paused of one group's queue: one value of its store, which all hosts follow. */
export class QueuePauses implements PausesToHeed {
  readonly #store: Pick<EngineStore, 'get' | 'create' | 'update'>;
  readonly #clock: Pick<Clock, 'wallNow'>;
  #known: Pauses | undefined;
  /** Goes up as this process changes it: what was read before then says nothing any more. */
  #changes = 0;

  constructor(store: Pick<EngineStore, 'get' | 'create' | 'update'>, clock: Pick<Clock, 'wallNow'>) {
    this.#store = store;
    this.#clock = clock;
  }

  isPaused(partition: string): boolean {
    return this.#known === undefined || isPausedIn(this.#known, partition);
  }

  async look(): Promise<boolean> {
    const changes = this.#changes;
    const { pauses } = await this.#read();
    if (changes !== this.#changes) return false;
    const before = this.#known;
    this.#known = pauses;
    if (before === undefined) return true;
    const wasPaused = before.all !== undefined && pauses.all === undefined;
    return wasPaused || [...before.partitions.keys()].some((partition) => !pauses.partitions.has(partition));
  }

  /** What is paused, as the store has it. Rejects where the engine can't be asked. */
  async read(): Promise<Pauses> {
    return (await this.#read()).pauses;
  }

  /**
   * Pauses or resumes a partition, or, where it is undefined, the group. Whether a partition is paused by itself is not
   * changed by what becomes of the group. Rejects with `parameter-invalid` beyond 1,000 partitions, and where the engine can't be asked.
   */
  async set(partition: string | undefined, paused: boolean, by: string): Promise<void> {
    for (;;) {
      const { pauses, revision } = await this.#read();
      const next = this.#with(pauses, partition, paused, by);
      const bytes = next === pauses ? undefined : bytesOf(next);
      const written =
        bytes === undefined ||
        (revision === undefined
          ? await this.#store.create(key, bytes)
          : await this.#store.update(key, bytes, revision)) !== undefined;
      if (!written) continue;
      this.#known = next;
      this.#changes += 1;
      return;
    }
  }

  #with(pauses: Pauses, partition: string | undefined, paused: boolean, by: string): Pauses {
    const mark = { by, at: new Date(this.#clock.wallNow()).toISOString() };
    const { all, partitions } = pauses;
    if (partition === undefined) {
      if ((all !== undefined) === paused) return pauses;
      return paused ? { partitions, all: mark } : { partitions };
    }
    if (partitions.has(partition) === paused) return pauses;
    const others = new Map(partitions);
    if (paused) others.set(partition, mark);
    else others.delete(partition);
    if (others.size > mostPartitions) {
      throw new ParameterError(
        `${mostPartitions} partitions are paused already, as many as can be; resume some, or pause the whole group`,
      );
    }
    return { ...pauses, partitions: others };
  }

  async #read(): Promise<{ readonly pauses: Pauses; readonly revision: number | undefined }> {
    const stored = await this.#store.get(key);
    if (stored === undefined) return { pauses: nothing, revision: undefined };
    const pauses = parse(stored.value);
    if (pauses !== undefined) return { pauses, revision: stored.revision };
    throw new Error(
      `What the store has at ${key} can't be read: another version wrote it, or somebody else. What was paused before is.`,
    );
  }
}

function isPausedIn({ all, partitions }: Pauses, partition: string): boolean {
  return all !== undefined || partitions.has(partition);
}

function bytesOf({ all, partitions }: Pauses): Uint8Array {
  return Buffer.from(JSON.stringify({ v: 1, ...(all && { all }), partitions: [...partitions] }));
}

function parse(bytes: Uint8Array): Pauses | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { v, all, partitions } = value as { readonly [Name in 'v' | 'all' | 'partitions']?: unknown };
    if (v !== 1 || !Array.isArray(partitions) || !(all === undefined || isMark(all))) return undefined;
    const read = new Map<string, PauseMark>();
    for (const [partition, mark] of partitions as readonly (readonly [unknown, unknown])[]) {
      if (typeof partition !== 'string' || !isMark(mark)) return undefined;
      read.set(partition, mark);
    }
    return { partitions: read, ...(all !== undefined && { all }) };
  } catch {
    return undefined;
  }
}

function isMark(value: unknown): value is PauseMark {
  if (typeof value !== 'object' || value === null) return false;
  const { by, at } = value as { readonly by?: unknown; readonly at?: unknown };
  return typeof by === 'string' && typeof at === 'string';
}
