import type { DatabaseSync } from 'node:sqlite';
import { deadKeptMs, settledKeptMs } from '../limits.ts';
import { claimHandler } from './claim-handler.ts';
import type { Handlers } from './handlers.ts';
import { orderLine, unsettled } from './order-line.ts';
import type { ItemRow } from './protocol.ts';
import type { ScopeSession } from './scope-session.ts';

/** Who holds an item may prolong or postpone it also when one came that goes before it. */
const stillWaiting = `CASE state WHEN 'blocked' THEN 'blocked' ELSE 'waiting' END`;

type QueueCalls =
  | 'enqueue'
  | 'claim'
  | 'claimOne'
  | 'extend'
  | 'settle'
  | 'postpone'
  | 'deadLetter'
  | 'revive'
  | 'remove'
  | 'holdsOrderKey';

/**
 * The queue's calls on the tables of one scope. An item is `ready` (to be claimed at once), `waiting` (leased, or
 * not due, until `until`), `blocked` (another of its order key goes before it), `settled` or `dead` (until
 * `until` its id is known). Of one order key only the first is ready or waiting, so that however long the tail
 * is, a claim never wades through it.
 */
export function queueHandlers(
  database: DatabaseSync,
  scope: number,
  session: ScopeSession,
): Handlers<QueueCalls> {
  const queue = `queue_${scope}`;
  const find = database.prepare(`SELECT state, until, token FROM ${queue} WHERE id = ?`);
  const forget = database.prepare(`DELETE FROM ${queue} WHERE id = ?`);
  const insert = database.prepare(
    `INSERT INTO ${queue} (id, partition, priority, position, order_key, not_before, state, until)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const held = `id = ? AND token = ? AND ${unsettled}`;
  const extend = database.prepare(`UPDATE ${queue} SET state = ${stillWaiting}, until = ? WHERE ${held}`);
  const postpone = database.prepare(
    `UPDATE ${queue} SET state = ${stillWaiting}, until = ?1, not_before = ?1, holder = NULL
     WHERE id = ?2 AND token = ?3 AND ${unsettled}`,
  );
  const takeBack = database.prepare(
    `UPDATE ${queue} SET state = ${stillWaiting}, until = 0, not_before = NULL, holder = NULL, token = ? WHERE id = ?`,
  );
  const end = database.prepare(`UPDATE ${queue} SET state = ?, until = ? WHERE ${held} RETURNING order_key`);
  const remove = database.prepare(
    `DELETE FROM ${queue} WHERE id = ? AND ${unsettled}
       AND NOT (holder IS NOT NULL AND until > ?) RETURNING order_key`,
  );
  const line = orderLine(database, queue);
  const holds = database.prepare(`SELECT 1 FROM ${queue} WHERE order_key = ? AND ${unsettled} LIMIT 1`);

  const finish = (state: 'settled' | 'dead', until: number, id: string, token: number): boolean => {
    const row = end.get(state, until, id, token);
    if (row === undefined) return false;
    line.leave(row['order_key']);
    return true;
  };

  const enter = ([id, partition, priority, position, orderKey, notBefore]: ItemRow, now: number): void => {
    const blocked = orderKey !== null && line.join(orderKey, position) === 'behind';
    const waiting = notBefore !== null && notBefore > now;
    const state = blocked ? 'blocked' : waiting ? 'waiting' : 'ready';
    insert.run(id, partition, priority, position, orderKey, notBefore, state, notBefore ?? 0);
  };

  return {
    enqueue([, item, now]) {
      const [id] = item;
      const known = find.get(id);
      if (known !== undefined) {
        if (known['state'] !== 'settled' || Number(known['until']) > now) return { value: false };
        forget.run(id);
      }
      enter(item, now);
      return { value: true };
    },
    revive([, item, token, now]) {
      const [id] = item;
      const known = find.get(id);
      const state = known?.['state'];
      if (known !== undefined && state !== 'dead' && state !== 'settled') {
        // A row that nobody has claimed has no token.
        if (known['token'] === null || Number(known['token']) !== token) return { value: false };
        takeBack.run(session.nextSequence(), id);
        return { value: true };
      }
      if (state === 'settled' && Number(known?.['until']) > now) return { value: false };
      if (known !== undefined) forget.run(id);
      enter(item, now);
      return { value: true };
    },
    ...claimHandler(database, scope, session),
    extend: ([, id, token, until]) => ({ value: extend.run(until, id, token).changes !== 0 }),
    settle: ([, id, token, now]) => ({ value: finish('settled', now + settledKeptMs, id, token) }),
    postpone: ([, id, token, notBefore]) => ({ value: postpone.run(notBefore, id, token).changes !== 0 }),
    deadLetter: ([, id, token, now]) => ({ value: finish('dead', now + deadKeptMs, id, token) }),
    remove([, id, now]) {
      const row = remove.get(id, now);
      if (row === undefined) return { value: false };
      line.leave(row['order_key']);
      return { value: true };
    },
    holdsOrderKey: ([, orderKey]) => ({ value: holds.get(orderKey) !== undefined }),
  };
}
