import type { EngineStore } from '../engines/store.ts';

// Where runs are found again: operation/live/<run> while one is not settled, operation/done/<run> for as long as it is shown afterwards.
// Both are JSON. A live one names the process that has it, and the token of that; it is written by compare-and-set, so that of several
// processes one takes a run over.
//
//   live      created        crash after: a run that plans nothing; whoever takes it over deletes it
//   blocks    in the log     from here on the run exists. Crash after: it is taken over
//   settled   in the log     crash after: whoever takes it over does the rest
//   done      written
//   live      deleted

const livePrefix = 'operation/live/';
const donePrefix = 'operation/done/';
const perPage = 500;
/** Also keeps out of the store what can't be one of its keys. */
const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** A run that is not settled. */
export interface LiveRun {
  readonly id: string;
  /** Whose process has it; empty where none has. */
  readonly runner: string;
  readonly token: number;
  /** The log has nothing of it before this position. */
  readonly from: number;
  readonly requester: string;
  readonly workType: string;
  /** Name and version of its operation. */
  readonly operation: string;
  readonly version: string;
  /** Why it waits for somebody; absent where it does not. */
  readonly parked?: string;
  /** Requests may wait for its end. */
  readonly awaited?: true;
  /** The key of the request that began it, as the ledger has it; absent where there was none. */
  readonly key?: string;
  /** Where its entries stand in the log, in their order: all up to the last of these. Absent where nobody has noted it. */
  readonly at?: readonly number[];
}

/** Whether it waits for somebody, and no process has it: then nothing is recorded of it before one takes it. */
export function isLeft({ runner, parked }: Pick<LiveRun, 'runner' | 'parked'>): boolean {
  return runner === '' && parked !== undefined;
}

/** So many positions are noted; of a run that has more entries the log is looked through. */
const mostNoted = 100_000;

/** Notes where the entries of a run stand. */
export function noted(at: readonly number[]): Pick<LiveRun, 'at'> {
  return at.length > mostNoted ? {} : { at };
}

/** A live run with the revision that the next write must name. */
export interface StoredLiveRun {
  readonly run: LiveRun;
  readonly revision: number;
}

/** A run that is settled. */
export interface DoneRun extends Pick<LiveRun, 'id' | 'from' | 'requester' | 'workType' | 'key' | 'at'> {
  /** Unix milliseconds. */
  readonly settledAt: number;
}

/** What is kept of a run that was settled then, Unix milliseconds, with its entries at these positions. */
export function doneOf(live: LiveRun, settledAt: number, at: readonly number[]): DoneRun {
  const { id, from, requester, workType, key } = live;
  return { id, from, requester, workType, ...(key !== undefined && { key }), settledAt, ...noted(at) };
}

/** The runs of one ledger, in its store. */
export interface StoredRuns {
  create(run: LiveRun): Promise<number>;
  /** Undefined where there is none, or none that is readable. */
  live(id: string): Promise<StoredLiveRun | undefined>;
  /** The new revision; undefined where another wrote it since. */
  update(run: LiveRun, revision: number): Promise<number | undefined>;
  /** Those that are not settled, but for some, a page at a time, by id: the oldest first. */
  pages(isLeftOut: (id: string) => boolean): AsyncGenerator<readonly StoredLiveRun[]>;
  done(id: string): Promise<DoneRun | undefined>;
  settle(run: DoneRun): Promise<void>;
  /** It was never planned. */
  drop(id: string): Promise<void>;
  /** The settled ones, the oldest first: as many as one page has. */
  oldestDone(): Promise<readonly DoneRun[]>;
  forgetDone(id: string): Promise<void>;
}

/** The runs in a store. */
export function storedRuns(store: EngineStore): StoredRuns {
  return {
    async create(run) {
      const revision = await store.create(livePrefix + run.id, encode(run), { isFresh: true });
      if (revision === undefined) throw new Error(`There is a run ${run.id} already.`);
      return revision;
    },
    async live(id) {
      if (!ulid.test(id)) return undefined;
      const stored = await store.get(livePrefix + id);
      const run = stored && decode<LiveRun>(stored.value);
      return run && { run, revision: stored.revision };
    },
    update: (run, revision) => store.update(livePrefix + run.id, encode(run), revision),
    async *pages(isLeftOut) {
      for (let after: string | undefined; ; ) {
        const page = await store.list(livePrefix, { limit: perPage, ...(after !== undefined && { after }) });
        after = page.at(-1)?.key;
        if (after === undefined) return;
        yield page.flatMap(({ key, value, revision }) => {
          const run = isLeftOut(key.slice(livePrefix.length)) ? undefined : decode<LiveRun>(value);
          return run === undefined ? [] : [{ run, revision }];
        });
      }
    },
    async done(id) {
      if (!ulid.test(id)) return undefined;
      const stored = await store.get(donePrefix + id);
      return stored && decode<DoneRun>(stored.value);
    },
    async settle(run) {
      await store.put(donePrefix + run.id, encode(run));
      await store.delete(livePrefix + run.id);
    },
    async drop(id) {
      await store.delete(livePrefix + id);
    },
    async oldestDone() {
      const page = await store.list(donePrefix, { limit: perPage });
      return page.flatMap(({ value }) => decode<DoneRun>(value) ?? []);
    },
    async forgetDone(id) {
      await store.delete(donePrefix + id);
    },
  };
}

function encode(run: LiveRun | DoneRun): Uint8Array {
  return Buffer.from(JSON.stringify({ v: 1, ...run }), 'utf8');
}

function decode<Run>(value: Uint8Array): Run | undefined {
  try {
    const { v, ...run } = JSON.parse(Buffer.from(value).toString('utf8')) as {
      v: unknown;
      id?: unknown;
      from?: unknown;
      at?: unknown;
      key?: unknown;
    };
    const isNoted = run.at === undefined || (Array.isArray(run.at) && run.at.every(Number.isSafeInteger));
    const isWhole =
      v === 1 && typeof run.id === 'string' && Number.isSafeInteger(run.from) && isNoted && isKey(run.key);
    return isWhole ? (run as Run) : undefined;
  } catch {
    return undefined;
  }
}

function isKey(key: unknown): boolean {
  return key === undefined || (typeof key === 'string' && /^[\w=-]{1,100}$/.test(key));
}
