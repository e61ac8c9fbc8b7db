import type { DatabaseSync } from 'node:sqlite';

/** Of an item that has not left the queue. */
export const unsettled = `state IN ('ready', 'waiting', 'blocked')`;

/** The line of the items of one order key. All but its first are blocked, before and after each call. */
export interface OrderLine {
  /** Where a new item of that position stands; if it is the first, who was first is blocked. */
  join(orderKey: string, position: number): 'first' | 'behind';
  /** Lets the next one forward after an item has gone. */
  leave(orderKey: unknown): void;
}

/** The lines in a queue's table. */
export function orderLine(database: DatabaseSync, queue: string): OrderLine {
  const first = database.prepare(
    `SELECT number, position, state FROM ${queue} WHERE order_key = ? AND ${unsettled}
     ORDER BY position, number LIMIT 1`,
  );
  const setState = database.prepare(`UPDATE ${queue} SET state = ? WHERE number = ?`);
  return {
    join(orderKey, position) {
      const row = first.get(orderKey);
      if (row === undefined) return 'first';
      if (Number(row['position']) <= position) return 'behind';
      setState.run('blocked', Number(row['number']));
      return 'first';
    },
    leave(orderKey) {
      if (typeof orderKey !== 'string') return;
      const row = first.get(orderKey);
      if (row?.['state'] === 'blocked') setState.run('waiting', Number(row['number']));
    },
  };
}
