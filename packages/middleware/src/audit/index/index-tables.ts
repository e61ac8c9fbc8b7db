import { countingDeferrals } from './count-deferrals.ts';
import { countingRows } from './count-rows.ts';
import { type EntryWriter, openEntryWriter } from './entry-writer.ts';
import { findingDeferrals } from './find-deferrals.ts';
import { type IndexFile, openIndexFile, throwAway } from './index-file.ts';
import type { IndexCallName, IndexCalls, IndexState, IndexThreadOptions } from './protocol.ts';
import { dimensions } from './schema.ts';
import { corruptCodes, parkedCodes } from './state-codes.ts';
import { openWords } from './words.ts';

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html: what an index is thrown away for. */
const damaged: ReadonlySet<number> = new Set([11, 26]);

type Handlers = { [Name in IndexCallName]: (...args: IndexCalls[Name]['args']) => IndexCalls[Name]['value'] };

/** An index, whatever happens to its file: one that was deleted or is damaged is begun again. */
export interface IndexTables {
  perform(name: IndexCallName, args: readonly unknown[]): unknown;
  close(): void;
}

/** Opens an index where it is first needed. */
export function indexTables({ path, ledger }: IndexThreadOptions): IndexTables {
  let current: { readonly file: IndexFile; readonly handlers: Handlers } | undefined;

  function close(): void {
    const closing = current;
    current = undefined;
    closing?.file.database.close();
  }

  function open(): Handlers {
    if (current !== undefined && !current.file.isPresent()) close();
    if (current === undefined) {
      const file = openIndexFile(path, ledger);
      current = { file, handlers: handlersOf(file, reset) };
    }
    return current.handlers;
  }

  function reset(): undefined {
    close();
    throwAway(path);
    open();
  }

  function performOnce(name: IndexCallName, args: readonly unknown[]): unknown {
    // The two ends are one package: that the arguments are those of the name is checked where they are sent.
    const handler = open()[name] as (...args: readonly unknown[]) => unknown;
    return handler(...args);
  }

  return {
    perform(name, args) {
      try {
        return performOnce(name, args);
      } catch (error) {
        if (!isDamaged(error)) throw error;
        reset();
        return performOnce(name, args);
      }
    },
    close,
  };
}

function handlersOf(file: IndexFile, reset: () => undefined): Handlers {
  const { database } = file;
  const words = openWords(database);
  const writer = openEntryWriter(database, words);
  const find = findingDeferrals(database, words);
  const count = countingDeferrals(database, words);
  const countRows = countingRows(database, words);
  const stepsOf = database.prepare(
    `SELECT position FROM deferral WHERE id = ?1
     UNION ALL SELECT step.position FROM step JOIN deferral ON deferral.position = step.deferral WHERE deferral.id = ?1
     ORDER BY 1 LIMIT 1000`,
  );
  const entriesOfRun = database.prepare(
    'SELECT position FROM run_entry WHERE run = ?1 ORDER BY position LIMIT 100000',
  );
  const entries = (): number => writer.followed().entries;
  return {
    state: () => stateOf(file, writer),
    write: (from, lengths, bytes) => writer.write(from, split(lengths, bytes)),
    list: (query, at) => find(query, at, entries()),
    count: (query, at) => count(query, at, entries()),
    countRows: (query, ceiling) => countRows(query, ceiling, entries()),
    entriesOf: (id) => ({
      positions: [...stepsOf.all(id), ...entriesOfRun.all(id)].map((row) => Number(row['position'])),
      entries: entries(),
    }),
    reset,
  };
}

function stateOf({ database, bytes }: IndexFile, writer: EntryWriter): IndexState {
  const { entries, newest, unreadable } = writer.followed();
  const tallied = database
    .prepare('SELECT state, deferrals FROM tally WHERE dimension = ?')
    .all(dimensions.state)
    .map((row) => ({ state: Number(row['state']), count: Number(row['deferrals']) }));
  const sum = (some: readonly { readonly count: number }[]): number =>
    some.reduce((all, { count }) => all + count, 0);
  return {
    entries,
    newest: Buffer.from(newest ?? []).toString('hex'),
    unreadable,
    deferrals: sum(tallied),
    corrupt: sum(tallied.filter(({ state }) => corruptCodes.includes(state))),
    parked: sum(tallied.filter(({ state }) => parkedCodes.includes(state))),
    bytes: bytes(),
  };
}

function split(lengths: readonly number[], bytes: ArrayBuffer): Uint8Array[] {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return new Uint8Array(bytes, at - length, length);
  });
}

function isDamaged(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    damaged.has(error.errcode & 0xff)
  );
}
