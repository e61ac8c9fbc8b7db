import type { DatabaseSync } from 'node:sqlite';
import { engineLimits } from '../limits.ts';
import type { Handlers } from './handlers.ts';
import type { ClaimRow } from './protocol.ts';
import type { ScopeSession } from './scope-session.ts';

/** Of each priority as many items are made ready as a claim can take, and many more: they need not be due again. */
const readyPerPriority = 10 * engineLimits.itemsPerClaim;

/** What may be claimed now. */
export interface DueItem {
  readonly number: number;
  readonly id: string;
  readonly priority: number;
  readonly position: number;
  readonly orderKey: string | null;
  readonly notBefore: number | null;
}

/** The best items of a partition that are due, and the first of their order keys. */
export function dueItems(
  database: DatabaseSync,
  scope: number,
): (partition: string, limit: number, now: number) => DueItem[] {
  const queue = `queue_${scope}`;
  const makeReady = readier(database, queue);
  const best = database.prepare(
    `SELECT number, id, priority, position, order_key, not_before FROM ${queue}
     WHERE partition = ? AND state = 'ready' ORDER BY priority, position LIMIT ?`,
  );
  return (partition, limit, now) => {
    makeReady(partition, limit, now);
    return best.all(partition, limit).map(toItem);
  };
}

function toItem(row: Readonly<Record<string, unknown>>): DueItem {
  return {
    number: Number(row['number']),
    id: String(row['id']),
    priority: Number(row['priority']),
    position: Number(row['position']),
    orderKey: row['order_key'] === null ? null : String(row['order_key']),
    notBefore: row['not_before'] === null ? null : Number(row['not_before']),
  };
}

/** The claims on the tables of one scope. */
export function claimHandler(
  database: DatabaseSync,
  scope: number,
  session: ScopeSession,
): Handlers<'claim' | 'claimOne'> {
  const due = dueItems(database, scope);
  const lease = database.prepare(
    `UPDATE queue_${scope} SET state = 'waiting', until = ?, token = ?, holder = ? WHERE number = ?`,
  );
  const free = database.prepare(
    `SELECT number, id, partition, priority, position, order_key, not_before FROM queue_${scope}
     WHERE id = ? AND state IN ('ready', 'waiting') AND NOT (holder IS NOT NULL AND until > ?)`,
  );

  function take(partition: string, item: DueItem, until: number, holder: string): ClaimRow {
    const { number, id, priority, position, orderKey, notBefore } = item;
    const token = session.nextSequence();
    lease.run(until, token, holder, number);
    return [id, partition, priority, position, orderKey, notBefore, token];
  }

  return {
    claim([, partition, limit, leaseMs, holder, now]) {
      const items = due(partition, limit, now);
      return { value: items.map((item) => take(partition, item, now + leaseMs, holder)) };
    },
    claimOne([, id, leaseMs, holder, now]) {
      const row = free.get(id, now);
      if (row === undefined) return { value: null };
      return { value: take(String(row['partition']), toItem(row), now + leaseMs, holder) };
    },
  };
}

/**
 * Makes the waiting items of a partition ready that have become due: of each priority the first by position,
 * until there are as many as the claim may take.
 */
function readier(
  database: DatabaseSync,
  queue: string,
): (partition: string, limit: number, now: number) => void {
  const nextPriority = database.prepare(
    `SELECT min(priority) AS priority FROM ${queue} WHERE partition = ? AND state = 'waiting' AND priority > ?`,
  );
  const promote = database.prepare(
    `UPDATE ${queue} SET state = 'ready' WHERE number IN
       (SELECT number FROM ${queue} WHERE partition = ? AND state = 'waiting' AND priority = ? AND until <= ?
        ORDER BY position LIMIT ${readyPerPriority})`,
  );
  const lastOfClaim = database.prepare(
    `SELECT 1 FROM ${queue} WHERE partition = ? AND state = 'ready' AND priority <= ? LIMIT 1 OFFSET ?`,
  );
  return (partition, limit, now) => {
    let priority: unknown = 0;
    while (true) {
      priority = nextPriority.get(partition, Number(priority))?.['priority'];
      if (typeof priority !== 'number') return;
      promote.run(partition, priority, now);
      if (lastOfClaim.get(partition, priority, limit - 1) !== undefined) return;
    }
  };
}
