import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../clock.ts';
import type { EngineLog } from '../../engines/log.ts';
import { inTime, TimedOutError } from '../../in-time.ts';
import { checkCount, checkQuery, placeOf } from './check-query.ts';
import type { CountQuery, IndexCounts, IndexPage, IndexQuery, IndexStatus } from './contract.ts';
import { isTallied } from './how-to-count.ts';
import { IndexError } from './index-error.ts';
import { IndexThread } from './index-thread.ts';
import type { ListCursor } from './list-cursor.ts';
import type { IndexState } from './protocol.ts';
import { sumRowCounts } from './sum-row-counts.ts';

/** What {@link openAuditIndex} takes. Durations are milliseconds. */
export interface AuditIndexSetup {
  readonly log: Pick<EngineLog, 'read' | 'size'>;
  readonly clock: Clock;
  /** Its file; empty for a temporary one without a name, which is made again from the log at each start. */
  readonly path: string;
  /** Whose entries they are: an index of another ledger is thrown away. */
  readonly ledger: string;
  /** How long a question waits until what was in the log when it came is in the index. Default 1,000. */
  readonly waitMs?: number;
  /** How often the log is looked at while nobody asks. Default 1,000. */
  readonly lookEveryMs?: number;
  /** Throws away what the file has, and reads the log from its beginning. Default false. */
  readonly startOver?: boolean;
  /** Hears how many entries are in the index, of how many in the log, as they are read. */
  readonly onProgress?: (entries: number, of: number) => void;
  /** Hears of what keeps the index from being kept up; once for each spell. */
  readonly onTrouble?: (error: unknown) => void;
}

/** The index of one ledger. What it answers rests on everything that was in the log when it was asked. */
export interface AuditIndex {
  /** Rejects with `index-behind` and `parameter-invalid`, or an `EngineError` where the log can't be asked. */
  list(query: IndexQuery): Promise<IndexPage>;
  /** The same. */
  counts(query: CountQuery): Promise<IndexCounts>;
  /** The positions of a deferral's entries, in their order, 1,000 at most; none where no such was accepted. Rejects likewise. */
  entriesOf(id: string): Promise<readonly number[]>;
  /** As it is known without asking: it stands still while the index can't be kept up. */
  status(): IndexStatus;
  /** Reads the log to its end, however long that takes. */
  catchUp(): Promise<IndexState>;
  close(): Promise<void>;
}

/**
 * Entries that travel to the thread together, and become one transaction there: enough to be quick, and few enough that no
 * question waits for them long. Far behind no question is answered, and more at once are quicker.
 */
const entriesPerPage = 500;
const entriesPerPageFarBehind = 2_000;
const farBehind = 20_000;

const mostTries = 3;

/** A thread that nobody needed for so long ends. One whose index has no file would lose it with that. */
const restAfterMs = 60_000;

/** Counts that look at each row; those beyond it are turned away, so that the thread has time for all else. */
const mostCounting = 8;

/** Opens an index and keeps it up until it is closed. Nothing is read before the first look, which is at once. */
export function openAuditIndex(setup: AuditIndexSetup): AuditIndex {
  const { log, clock, path, ledger, waitMs = 1_000, lookEveryMs = 1_000 } = setup;
  const thread = new IndexThread({ path, ledger });
  let state: IndexState = {
    entries: 0,
    newest: '',
    unreadable: 0,
    deferrals: 0,
    corrupt: 0,
    parked: 0,
    bytes: 0,
  };
  let size = 0;
  /** Whether what the file has was compared with the log. */
  let isCompared = false;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let isClosed = false;
  let inTrouble = false;
  let counting = 0;
  let neededAt = clock.now();

  /** Entries that are in the log by now are in the index when this resolves. */
  function follow(): Promise<void> {
    if (running === undefined) {
      running = followOnce().finally(() => {
        running = undefined;
      });
      return running;
    }
    // Whoever is at it may have looked at the end of the log before this was asked.
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return follow();
      });
    return next;
  }

  async function followOnce(): Promise<void> {
    const before = state.entries;
    size = await log.size();
    state = await thread.call('state', []);
    // Where it is less than it was, somebody has deleted the file.
    if (!isCompared || state.entries < before) await compare();
    // Another process may be ahead of this one, and none of the log.
    if (state.entries > size) size = await log.size();
    if (state.entries > size) await beginAgain();
    await readUpTo(size);
  }

  async function readUpTo(end: number): Promise<void> {
    let at = state.entries;
    let reading: { readonly from: number; readonly entries: ReturnType<typeof log.read> } | undefined;
    const began = at;
    const perPage = end - at > farBehind ? entriesPerPageFarBehind : entriesPerPage;
    while (at < end && !isClosed) {
      const entries = await (reading?.from === at ? reading.entries : log.read(at, perPage));
      if (entries.length === 0) break;
      const bytes = together(entries);
      const lengths = entries.map(({ byteLength }) => byteLength);
      const writing = thread.call('write', [at, lengths, bytes], [bytes]);
      const ahead = at + entries.length;
      reading = ahead < end ? { from: ahead, entries: log.read(ahead, perPage) } : undefined;
      // It is awaited in the next round, if there is one.
      reading?.entries.catch(() => {});
      // Less where somebody has deleted the file, more where another process is ahead.
      at = await writing;
      state = { ...state, entries: at };
      setup.onProgress?.(at, end);
    }
    if (at !== began) state = await thread.call('state', []);
  }

  /** An index of a log that was put back to an earlier time, or of another log, would tell what never was. */
  async function compare(): Promise<void> {
    if (setup.startOver === true && !isCompared) {
      await beginAgain();
    } else if (state.entries > 0) {
      const [newest] = await log.read(state.entries - 1, 1);
      const isSame =
        newest !== undefined && createHash('sha256').update(newest).digest('hex') === state.newest;
      if (!isSame) await beginAgain();
    }
    isCompared = true;
  }

  async function beginAgain(): Promise<void> {
    await thread.call('reset', []);
    state = await thread.call('state', []);
  }

  async function upToNow(): Promise<void> {
    try {
      await inTime(clock, waitMs, 'Reading the log into the index', followNow());
    } catch (error) {
      if (!(error instanceof TimedOutError)) throw error;
      const { entries, behind } = status();
      throw new IndexError(
        'index-behind',
        `The index has read ${entries} of ${entries + behind} entries, and did not come to the end within ${waitMs} ms; ask again.`,
      );
    }
  }

  function status(): IndexStatus {
    const { entries, deferrals, corrupt, parked, unreadable } = state;
    return { entries, behind: Math.max(0, size - entries), deferrals, corrupt, parked, unreadable };
  }

  /** An answer of a file that was deleted since it was brought up to date is no answer. */
  async function asked<Answer extends { readonly entries: number }>(
    ask: () => Promise<Answer>,
  ): Promise<Answer> {
    for (let tries = 1; tries <= mostTries; tries++) {
      await upToNow();
      const atLeast = state.entries;
      const answer = await ask();
      if (answer.entries >= atLeast) return answer;
    }
    throw new IndexError('index-behind', 'The index is being deleted again and again; ask later.');
  }

  async function countByRows(query: CountQuery, at: ListCursor | undefined): Promise<IndexCounts> {
    if (counting >= mostCounting) {
      throw new IndexError('index-behind', `${mostCounting} counts are being taken row by row; ask later.`);
    }
    counting += 1;
    try {
      return await sumRowCounts(query, at, state.entries, (below) =>
        thread.call('countRows', [query, below]),
      );
    } finally {
      counting -= 1;
    }
  }

  /** Without a question, and where nothing came since it last looked, the thread is left alone. */
  async function keepUp(): Promise<void> {
    const now = await log.size();
    const isNews = now !== state.entries || (now > 0 && !isCompared);
    if (isNews) await followNow();
    else if (path !== '' && clock.now() - neededAt >= restAfterMs) thread.rest();
  }

  function followNow(): Promise<void> {
    neededAt = clock.now();
    return follow();
  }

  let timer: Timer | undefined;
  function look(): void {
    keepUp()
      .then(() => {
        inTrouble = false;
      })
      .catch((error: unknown) => {
        if (!inTrouble && !isClosed) setup.onTrouble?.(error);
        inTrouble = true;
      })
      .finally(() => {
        if (!isClosed) timer = clock.after(lookEveryMs, look);
      });
  }
  look();

  return {
    async list(query) {
      checkQuery(query);
      return asked(() => thread.call('list', [query, placeOf(query, state.entries)]));
    },
    async counts(query) {
      checkCount(query);
      return asked(() => {
        const at = placeOf(query, state.entries);
        if (isTallied(query)) return thread.call('count', [query, at]);
        return countByRows(query, at);
      });
    },
    async entriesOf(id) {
      return (await asked(() => thread.call('entriesOf', [id]))).positions;
    },
    status,
    async catchUp() {
      await follow();
      return state;
    },
    async close() {
      isClosed = true;
      timer?.cancel();
      await running?.catch(() => {});
      await thread.close();
    },
  };
}

function together(entries: readonly Uint8Array[]): ArrayBuffer {
  const bytes = new Uint8Array(entries.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const entry of entries) {
    bytes.set(entry, at);
    at += entry.byteLength;
  }
  return bytes.buffer;
}
