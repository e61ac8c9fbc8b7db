import { DatabaseSync } from 'node:sqlite';
import type { OldestItem, PartitionBacklog } from '../queue.ts';
import { backlogHandler } from '../sqlite/backlog-handler.ts';
import { dueItems } from '../sqlite/claim-handler.ts';
import { oldestHandler } from '../sqlite/oldest-handler.ts';
import { orderLine, unsettled } from '../sqlite/order-line.ts';
import { queueSchema } from '../sqlite/schema.ts';
import { ArrivalTable, isNotInArrival } from './arrival-table.ts';
import type { QueuedItem } from './queue-message.ts';

/** An item as one host knows it: the message that says so, by its number. */
export interface ViewedItem {
  readonly item: QueuedItem;
  readonly seq: number;
  /** The message that it replaces: of several that replace the same, the first counts. */
  readonly replaces: number | undefined;
  /** The arrival that brought it, while that is known. */
  readonly arrival?: number | undefined;
}

/** Items that came together: the message that says so. */
export interface Arrival {
  readonly items: readonly QueuedItem[];
  readonly seq: number;
  readonly subject: string;
  /** When the server took it, Unix milliseconds. */
  readonly at: number;
}

/** What a message of the stream says. */
export type QueueChange = ViewedItem | Arrival;

/**
 * One host's view of the queue: what the stream says, in tables that answer what is due and what goes before what. It is
 * on the temporary disk, not in memory; a million items are some 250 MB there. It is always made anew from the stream.
 */
export class QueueView {
  readonly #database = new DatabaseSync('');
  readonly #arrivals: ArrivalTable;
  readonly #line: ReturnType<typeof orderLine>;
  readonly #due: ReturnType<typeof dueItems>;
  readonly #backlog: ReturnType<typeof backlogHandler>['backlog'];
  readonly #oldest: ReturnType<typeof oldestHandler>['oldest'];
  readonly #find;
  readonly #known;
  readonly #insertUsual;
  readonly #insert;
  readonly #renew;
  readonly #end;
  readonly #delete;
  readonly #hold;
  readonly #holds;
  readonly #isFirst;
  readonly #ended;

  constructor() {
    const database = this.#database;
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000;');
    database.exec(queueSchema(1));
    database.exec('ALTER TABLE queue_1 ADD COLUMN seq INTEGER NOT NULL DEFAULT 0');
    database.exec('ALTER TABLE queue_1 ADD COLUMN replaces INTEGER');
    database.exec("ALTER TABLE queue_1 ADD COLUMN item TEXT NOT NULL DEFAULT ''");
    database.exec('ALTER TABLE queue_1 ADD COLUMN arrival INTEGER');
    this.#arrivals = new ArrivalTable(database);
    this.#line = orderLine(database, 'queue_1');
    this.#due = dueItems(database, 1);
    this.#backlog = backlogHandler(database, 1).backlog;
    this.#oldest = oldestHandler(database, 1).oldest;
    this.#find = database.prepare(
      `SELECT item, seq, replaces, arrival, ${unsettled} AS live, until FROM queue_1 WHERE id = ?`,
    );
    this.#insert = database.prepare(
      `INSERT INTO queue_1 (id, partition, priority, position, order_key, not_before, state, until, seq, replaces, item, arrival)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#known = database.prepare(
      'SELECT id, arrival FROM queue_1 WHERE id IN (SELECT value FROM json_each(?))',
    );
    this.#insertUsual = database.prepare(
      `INSERT OR IGNORE INTO queue_1 (id, partition, priority, position, not_before, state, until, seq, replaces, item, arrival)
       SELECT value ->> 'id', value ->> 'partition', value ->> 'priority', value ->> 'position', value ->> 'notBefore',
         'ready', 0, ?, 0, value, ? FROM json_each(?)`,
    );
    this.#renew = database.prepare(
      `UPDATE queue_1 SET state = CASE state WHEN 'blocked' THEN 'blocked' ELSE 'waiting' END,
         until = ?, not_before = ?, seq = ?, replaces = ?, item = ? WHERE id = ?`,
    );
    this.#end = database.prepare(
      'UPDATE queue_1 SET state = ?, until = ?, seq = ?, replaces = ?, item = ? WHERE id = ?',
    );
    this.#delete = database.prepare('DELETE FROM queue_1 WHERE id = ?');
    this.#hold = database.prepare(
      "UPDATE queue_1 SET state = 'waiting', until = ? WHERE id = ? AND state = 'ready'",
    );
    this.#holds = database.prepare(`SELECT 1 FROM queue_1 WHERE order_key = ? AND ${unsettled} LIMIT 1`);
    this.#isFirst = database.prepare("SELECT 1 FROM queue_1 WHERE id = ? AND state IN ('ready', 'waiting')");
    this.#ended = database.prepare(
      `SELECT item, seq, replaces, arrival FROM queue_1
       WHERE state IN ('settled', 'dead') AND until <= ? AND ${isNotInArrival} LIMIT ?`,
    );
  }

  /** Takes in what messages say, in one transaction. What is older than what is known changes nothing. */
  apply(changes: readonly QueueChange[]): void {
    this.#database.exec('BEGIN');
    for (const change of changes) {
      if ('items' in change) this.#applyArrival(change);
      else this.#applyOne(change);
    }
    this.#database.exec('COMMIT');
  }

  /** Which of these ids there are, on the queue or remembered, by the arrival that brought each. */
  known(ids: readonly string[]): ReadonlyMap<string, number | undefined> {
    const rows = this.#known.all(JSON.stringify(ids.filter(isPlain)));
    for (const id of ids) {
      const row = isPlain(id) ? undefined : this.#find.get(id);
      if (row !== undefined) rows.push({ id, arrival: row['arrival'] ?? null });
    }
    return new Map(
      rows.map((row) => [String(row['id']), row['arrival'] === null ? undefined : Number(row['arrival'])]),
    );
  }

  find(id: string): ViewedItem | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : viewed(row);
  }

  /** Arrivals that no restart needs any more: each of their items has a message of its own by now. */
  spentArrivals(limit: number): readonly { readonly seq: number; readonly subject: string }[] {
    return this.#arrivals.spent(limit);
  }

  /** The arrival is gone from the stream. */
  forgetArrival(seq: number): void {
    this.#arrivals.forget(seq);
  }

  /** The message is gone from the stream. */
  forget(id: string): void {
    const known = this.find(id);
    if (known === undefined) return;
    this.#delete.run(id);
    if (known.item.state === 'live') this.#line.leave(known.item.orderKey);
  }

  /** The best that are due, and nobody here takes them again before `until`. */
  take(partition: string, limit: number, now: number, until: number): ViewedItem[] {
    return this.#due(partition, limit, now).flatMap(({ id }) => {
      this.#hold.run(until, id);
      return this.find(id) ?? [];
    });
  }

  /** Whether it is on the queue, nothing of its order key goes before it, and nobody holds it. */
  isFree({ item: { id, holder, until } }: ViewedItem, now: number): boolean {
    return this.#isFirst.get(id) !== undefined && (holder === undefined || until <= now);
  }

  backlog(now: number): PartitionBacklog[] {
    return this.#backlog([1, now], []).value.map(([partition, items, duePriority, nextDueAt]) => ({
      partition,
      items,
      duePriority: duePriority ?? undefined,
      nextDueAt: nextDueAt ?? undefined,
    }));
  }

  oldest(): OldestItem[] {
    return this.#oldest([1], []).value.map(([partition, id, position]) => ({ partition, id, position }));
  }

  holdsOrderKey(orderKey: string): boolean {
    return this.#holds.get(orderKey) !== undefined;
  }

  /** Items that have left the queue and need not be remembered any more. */
  ended(now: number, limit: number): ViewedItem[] {
    return this.#ended.all(now, limit).map(viewed);
  }

  close(): void {
    this.#database.close();
  }

  #applyArrival({ items, seq, subject, at }: Arrival): void {
    this.#arrivals.begin(seq, subject);
    const isUsual = items.every(
      ({ id, partition, orderKey, until }) =>
        orderKey === undefined && until === 0 && isPlain(id) && isPlain(partition),
    );
    if (isUsual && this.known(items.map(({ id }) => id)).size === 0) {
      // One statement for all: to go over to SQLite and back costs more than a row.
      const { changes } = this.#insertUsual.run(seq, seq, JSON.stringify(items));
      this.#arrivals.count(seq, Number(changes));
      return;
    }
    for (const item of items) {
      const row = this.#find.get(item.id);
      if (row === undefined) {
        this.#arrive(item, seq, 0, seq);
        this.#arrivals.count(seq, 1);
      } else if (Number(row['live']) === 0 && isForgotten(viewed(row).item, at)) {
        this.#arrivals.names(Number(row['arrival']), item.id);
        this.#delete.run(item.id);
        this.#arrive(item, seq, Number(row['seq']), seq);
        this.#arrivals.count(seq, 1);
      } else if (Number(row['arrival']) !== seq) {
        this.#arrivals.names(seq, item.id);
      }
    }
  }

  #applyOne({ item, seq, replaces: replaced }: ViewedItem): void {
    const replaces = replaced ?? null;
    const row = this.#find.get(item.id);
    if (row !== undefined && !isNewer(row, seq, replaces)) return;
    const arrival = row === undefined || row['arrival'] === null ? null : Number(row['arrival']);
    if (arrival !== null && Number(row?.['seq']) === arrival) this.#arrivals.count(arrival, -1);
    const wasLive = row !== undefined && Number(row['live']) === 1;
    const text = JSON.stringify(item);
    if (item.state === 'live' && wasLive) {
      this.#renew.run(item.until, item.notBefore ?? null, seq, replaces, text, item.id);
    } else if (wasLive) {
      this.#end.run(endOf(item), item.until, seq, replaces, text, item.id);
      this.#line.leave(item.orderKey);
    } else {
      this.#delete.run(item.id);
      this.#arrive(item, seq, replaces, arrival);
    }
  }

  #arrive(item: QueuedItem, seq: number, replaces: number | null, arrival: number | null): void {
    const { id, partition, priority, position, orderKey = null, notBefore = null, until } = item;
    const state = item.state === 'live' ? this.#stateOfNew(item) : endOf(item);
    const text = JSON.stringify(item);
    this.#insert.run(
      id,
      partition,
      priority,
      position,
      orderKey,
      notBefore,
      state,
      until,
      seq,
      replaces,
      text,
      arrival,
    );
  }

  #stateOfNew({ orderKey, position, until }: QueuedItem): 'ready' | 'waiting' | 'blocked' {
    if (orderKey !== undefined && this.#line.join(orderKey, position) === 'behind') return 'blocked';
    return until > 0 ? 'waiting' : 'ready';
  }
}

function viewed(row: Readonly<Record<string, unknown>>): ViewedItem {
  const { item, seq, replaces, arrival } = row;
  return {
    item: JSON.parse(String(item)) as QueuedItem,
    seq: Number(seq),
    replaces: replaces === null ? undefined : Number(replaces),
    arrival: arrival === null ? undefined : Number(arrival),
  };
}

/** Whether a message counts beside the one that is known: what lost against it, or against an earlier one, does not. */
function isNewer(row: Readonly<Record<string, unknown>>, seq: number, replaces: number | null): boolean {
  return Number(row['seq']) < seq && (replaces === null || Number(row['replaces'] ?? -1) < replaces);
}

/** Whether SQLite reads it in JSON as it reads it by itself, which it does not where there is a NUL. */
function isPlain(name: string): boolean {
  return /^[ -~]*$/.test(name);
}

/** Whether an item has left the queue so long ago, or so, that its id may come again. */
export function isForgotten({ state, until }: QueuedItem, now: number): boolean {
  return state === 'removed' || (state === 'settled' && until <= now);
}

/** Removed ones stay known for a while too: what lost against the removal may come after it. */
function endOf({ state }: QueuedItem): 'settled' | 'dead' {
  return state === 'dead' ? 'dead' : 'settled';
}
