import type { DatabaseSync } from 'node:sqlite';
import type { Handlers } from './handlers.ts';
import type { ClaimRow } from './protocol.ts';
import type { ScopeSession } from './scope-session.ts';

const duePerPriority = 1_000;

/** The claim on the tables of one scope. */
export function claimHandler(
  database: DatabaseSync,
  scope: number,
  session: ScopeSession,
): Handlers<'claim'> {
  const queue = `queue_${scope}`;
  const makeReady = readier(database, queue);
  const best = database.prepare(
    `SELECT number, id, priority, position, order_key, not_before FROM ${queue}
     WHERE partition = ? AND state = 'ready' ORDER BY priority, position LIMIT 1`,
  );
  const predecessor = database.prepare(
    `SELECT 1 FROM ${queue} WHERE order_key = ? AND state IN ('ready', 'waiting', 'blocked') AND position < ? LIMIT 1`,
  );
  const block = database.prepare(`UPDATE ${queue} SET state = 'blocked' WHERE number = ?`);
  const lease = database.prepare(
    `UPDATE ${queue} SET state = 'waiting', until = ?, token = ?, holder = ? WHERE number = ?`,
  );

  return {
    claim([, partition, limit, leaseMs, holder, now]) {
      const value: ClaimRow[] = [];
      let mayBeMore = makeReady(partition, now);
      while (value.length < limit) {
        const row = best.get(partition);
        if (row === undefined) {
          if (!mayBeMore) break;
          mayBeMore = makeReady(partition, now);
          continue;
        }
        const number = Number(row['number']);
        const position = Number(row['position']);
        const orderKey = row['order_key'] === null ? null : String(row['order_key']);
        if (orderKey !== null && predecessor.get(orderKey, position) !== undefined) {
          // It came to the queue before its predecessor did, or its lease ended while one came.
          block.run(number);
          continue;
        }
        const token = session.nextSequence();
        lease.run(now + leaseMs, token, holder, number);
        const notBefore = row['not_before'] === null ? null : Number(row['not_before']);
        value.push([
          String(row['id']),
          partition,
          Number(row['priority']),
          position,
          orderKey,
          notBefore,
          token,
        ]);
      }
      return { value };
    },
  };
}

/**
 * Makes the waiting items of a partition ready that have become due: of each priority the first thousand by
 * position, more than a claim can take. Answers whether there may be more.
 */
function readier(database: DatabaseSync, queue: string): (partition: string, now: number) => boolean {
  const nextPriority = database.prepare(
    `SELECT min(priority) AS priority FROM ${queue} WHERE partition = ? AND state = 'waiting' AND priority > ?`,
  );
  const promote = database.prepare(
    `UPDATE ${queue} SET state = 'ready' WHERE number IN
       (SELECT number FROM ${queue} WHERE partition = ? AND state = 'waiting' AND priority = ? AND until <= ?
        ORDER BY position LIMIT ${duePerPriority})`,
  );
  return (partition, now) => {
    let mayBeMore = false;
    let priority = 0;
    while (true) {
      const row = nextPriority.get(partition, priority);
      if (typeof row?.['priority'] !== 'number') return mayBeMore;
      priority = row['priority'];
      if (Number(promote.run(partition, priority, now).changes) === duePerPriority) mayBeMore = true;
    }
  };
}
