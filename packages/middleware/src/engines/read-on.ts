import { Buffer } from 'node:buffer';
import type { Clock } from '../clock.ts';
import type { EngineLog } from './log.ts';
import type { EngineStore } from './store.ts';

// Who makes something of each entry of the log keeps, in the store at <name>/cursor, the position below which it was made. By crash point:
//
//   what is made of a page -> cursor. Crash between: the page is read once more, so what is made of it has to be the same each time.
//
// Of several hosts one at a time does it, who holds <name>/turn.

/** A host that dies within its turn keeps the others from theirs for so long, ms. */
const turnMs = 30_000;
const pagesPerTurn = 20;

/** Who reads the log on, and what that takes. */
export interface LogReading {
  /** Segments of the store's keys. */
  readonly name: string;
  readonly clock: Pick<Clock, 'wallNow'>;
  readonly log: Pick<EngineLog, 'read' | 'size'>;
  readonly store: EngineStore;
  readonly perPage: number;
}

/** Where it was read to; undefined where nobody knows. Rejects with an `EngineError`. */
export async function readUpTo({
  name,
  store,
}: Pick<LogReading, 'name' | 'store'>): Promise<number | undefined> {
  return positionIn((await store.get(cursorKey(name)))?.value);
}

/** Reads from that position on, unless it was read further by now. Rejects with an `EngineError`. */
export async function readFrom(
  { name, store }: Pick<LogReading, 'name' | 'store'>,
  position: number,
): Promise<void> {
  const stored = await store.get(cursorKey(name));
  const next = Buffer.from(String(position), 'utf8');
  if (stored === undefined) await store.create(cursorKey(name), next);
  // What can't be read is no cursor: from where it stood nobody knows any more.
  else if ((positionIn(stored.value) ?? -1) < position)
    await store.update(cursorKey(name), next, stored.revision);
}

/**
 * Has something made of each page beyond the cursor, in the order of the log; of so many pages at most. Does nothing while another host is at
 * it. `make` gets whether this host's turn goes on. Rejects with an `EngineError`, and with what `make` rejects with.
 */
export async function readOn(
  reading: LogReading,
  make: (entries: readonly Uint8Array[], from: number, isMyTurn: () => Promise<boolean>) => Promise<void>,
): Promise<void> {
  const { name, clock, log, store } = reading;
  const before = await readUpTo(reading);
  if (before === undefined || (await log.size()) <= before) return;
  const key = `${name}/turn`;
  const turn = await store.create(key, new Uint8Array(), { expiresAt: clock.wallNow() + turnMs });
  if (turn === undefined) return;
  const isMyTurn = async (): Promise<boolean> => (await store.get(key))?.revision === turn;
  try {
    for (let page = 0; page < pagesPerTurn; page += 1) {
      if (!(await readPage(reading, (entries, from) => make(entries, from, isMyTurn)))) return;
    }
  } finally {
    await store.delete(key, turn).catch(() => false);
  }
}

/** Whether there was anything. */
async function readPage(
  { name, log, store, perPage }: LogReading,
  make: (entries: readonly Uint8Array[], from: number) => Promise<void>,
): Promise<boolean> {
  const stored = await store.get(cursorKey(name));
  const from = positionIn(stored?.value);
  if (stored === undefined || from === undefined) return false;
  const entries = await log.read(from, perPage);
  if (entries.length === 0) return false;
  await make(entries, from);
  const next = Buffer.from(String(from + entries.length), 'utf8');
  return (await store.update(cursorKey(name), next, stored.revision)) !== undefined;
}

function cursorKey(name: string): string {
  return `${name}/cursor`;
}

function positionIn(value: Uint8Array | undefined): number | undefined {
  const position = value === undefined ? Number.NaN : Number(Buffer.from(value).toString('utf8'));
  return Number.isSafeInteger(position) && position >= 0 ? position : undefined;
}
