import { DatabaseSync } from 'node:sqlite';
import type { PartitionBacklog } from '../queue.ts';
import { backlogHandler } from '../sqlite/backlog-handler.ts';
import { dueItems } from '../sqlite/claim-handler.ts';
import { orderLine, unsettled } from '../sqlite/order-line.ts';
import { queueSchema } from '../sqlite/schema.ts';
import type { QueuedItem } from './queue-message.ts';

/** An item as one host knows it: the message that says so, by its number. */
export interface ViewedItem {
  readonly item: QueuedItem;
  readonly seq: number;
}

/**
 * One host's view of the queue: what the stream says, in tables that answer what is due and what goes before what. It is
 * on the temporary disk, not in memory; a million items are some 250 MB there. It is always made anew from the stream.
 */
export class QueueView {
  readonly #database = new DatabaseSync('');
  readonly #line: ReturnType<typeof orderLine>;
  readonly #due: ReturnType<typeof dueItems>;
  readonly #backlog: ReturnType<typeof backlogHandler>['backlog'];
  readonly #find;
  readonly #insert;
  readonly #renew;
  readonly #end;
  readonly #delete;
  readonly #hold;
  readonly #holds;
  readonly #ended;

  constructor() {
    const database = this.#database;
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000;');
    database.exec(queueSchema(1));
    database.exec('ALTER TABLE queue_1 ADD COLUMN seq INTEGER NOT NULL DEFAULT 0');
    database.exec("ALTER TABLE queue_1 ADD COLUMN item TEXT NOT NULL DEFAULT ''");
    this.#line = orderLine(database, 'queue_1');
    this.#due = dueItems(database, 1);
    this.#backlog = backlogHandler(database, 1).backlog;
    this.#find = database.prepare(`SELECT item, seq, ${unsettled} AS live FROM queue_1 WHERE id = ?`);
    this.#insert = database.prepare(
      `INSERT INTO queue_1 (id, partition, priority, position, order_key, not_before, state, until, seq, item)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#renew = database.prepare(
      `UPDATE queue_1 SET state = CASE state WHEN 'blocked' THEN 'blocked' ELSE 'waiting' END,
         until = ?, not_before = ?, seq = ?, item = ? WHERE id = ?`,
    );
    this.#end = database.prepare('UPDATE queue_1 SET state = ?, until = ?, seq = ?, item = ? WHERE id = ?');
    this.#delete = database.prepare('DELETE FROM queue_1 WHERE id = ?');
    this.#hold = database.prepare(
      "UPDATE queue_1 SET state = 'waiting', until = ? WHERE id = ? AND state = 'ready'",
    );
    this.#holds = database.prepare(`SELECT 1 FROM queue_1 WHERE order_key = ? AND ${unsettled} LIMIT 1`);
    this.#ended = database.prepare(
      "SELECT item, seq FROM queue_1 WHERE state IN ('settled', 'dead') AND until <= ? LIMIT ?",
    );
  }

  /** Takes in what messages say, in one transaction. What is older than what is known changes nothing. */
  apply(changes: readonly ViewedItem[]): void {
    this.#database.exec('BEGIN');
    for (const change of changes) this.#applyOne(change);
    this.#database.exec('COMMIT');
  }

  find(id: string): ViewedItem | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : { item: JSON.parse(String(row['item'])), seq: Number(row['seq']) };
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

  backlog(now: number): PartitionBacklog[] {
    return this.#backlog([1, now], []).value.map(([partition, items, duePriority, nextDueAt]) => ({
      partition,
      items,
      duePriority: duePriority ?? undefined,
      nextDueAt: nextDueAt ?? undefined,
    }));
  }

  holdsOrderKey(orderKey: string): boolean {
    return this.#holds.get(orderKey) !== undefined;
  }

  /** Items that have left the queue and need not be remembered any more. */
  ended(now: number, limit: number): ViewedItem[] {
    return this.#ended
      .all(now, limit)
      .map((row) => ({ item: JSON.parse(String(row['item'])), seq: Number(row['seq']) }));
  }

  close(): void {
    this.#database.close();
  }

  #applyOne({ item, seq }: ViewedItem): void {
    const row = this.#find.get(item.id);
    if (row !== undefined && Number(row['seq']) >= seq) return;
    const wasLive = row !== undefined && Number(row['live']) === 1;
    if (item.state === 'live' && wasLive) {
      this.#renew.run(item.until, item.notBefore ?? null, seq, JSON.stringify(item), item.id);
    } else if (wasLive) {
      this.#leave(item, seq);
    } else {
      this.#delete.run(item.id);
      this.#arrive(item, seq);
    }
  }

  #leave(item: QueuedItem, seq: number): void {
    if (item.state === 'removed') this.#delete.run(item.id);
    else this.#end.run(item.state, item.until, seq, JSON.stringify(item), item.id);
    this.#line.leave(item.orderKey);
  }

  #arrive(item: QueuedItem, seq: number): void {
    if (item.state === 'removed') return;
    const { id, partition, priority, position, orderKey = null, notBefore = null, until } = item;
    const state = item.state === 'live' ? this.#stateOfNew(item) : item.state;
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
      JSON.stringify(item),
    );
  }

  #stateOfNew({ orderKey, position, until }: QueuedItem): 'ready' | 'waiting' | 'blocked' {
    if (orderKey !== undefined && this.#line.join(orderKey, position) === 'behind') return 'blocked';
    return until > 0 ? 'waiting' : 'ready';
  }
}
