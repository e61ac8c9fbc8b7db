import { checkInteger, checkName, engineLimits, wholeMs } from '../limits.ts';
import type { EngineQueue, QueueItem } from '../queue.ts';
import { backlogs } from './backlog.ts';
import { claiming, claimingOne } from './claiming.ts';
import { enqueuing } from './enqueue.ts';
import { GroupedCalls } from './grouped-calls.ts';
import { type Holding, holdings } from './holding.ts';
import { type Leaving, leavings } from './leaving.ts';
import { inColumn } from './names.ts';
import { oldestItems } from './oldest.ts';
import { reviving } from './reviving.ts';
import type { CallsUnderWay, Scope } from './scope.ts';

/**
 * The queue of one scope. An item is `ready` (to be claimed at once), `waiting` (leased, or not due, until `until`) or
 * `blocked` (another of its order key goes before it). Leases and due times go by the server's time.
 */
export function postgresQueue(scope: Scope, calls: CallsUnderWay): EngineQueue {
  const enqueues = enqueuing(scope);
  const leaves = leavings(scope);
  const holds = holdings(scope);
  const holders = orderKeyHolders(scope);
  const claim = claiming(scope);
  const claimOne = claimingOne(scope);
  const takeBack = reviving(scope);
  const backlog = backlogs(scope);
  const oldest = oldestItems(scope);

  async function leave(id: string, token: number, as: Leaving['as']): Promise<boolean> {
    checkName('id', id);
    if (!Number.isSafeInteger(token)) return false;
    return await calls.run(() => leaves.add({ id: inColumn(id), token, as }));
  }

  async function hold(id: string, token: number, more: Omit<Holding, 'id' | 'token'>): Promise<boolean> {
    checkName('id', id);
    if (!Number.isSafeInteger(token)) return false;
    return await calls.run(() => holds.add({ id: inColumn(id), token, ...more }));
  }

  async function enqueue(item: QueueItem): Promise<boolean> {
    const checked = checkItem(item);
    const isNew = await calls.run(() => enqueues.add(checked));
    if (isNew && checked.notBefore === undefined) scope.news.enqueued(checked.partition);
    return isNew;
  }

  return {
    enqueue,
    async claim({ partition, limit, leaseMs, holder }) {
      checkName('partition', partition);
      checkName('holder', holder);
      checkInteger('limit', limit, 1, engineLimits.itemsPerClaim);
      const lease = wholeMs('leaseMs', leaseMs, 1);
      return await calls.run(() => claim({ partition, limit, leaseMs: lease, holder }));
    },
    async claimOne(id, { leaseMs, holder }) {
      checkName('id', id);
      checkName('holder', holder);
      const lease = wholeMs('leaseMs', leaseMs, 1);
      return await calls.run(() => claimOne(inColumn(id), lease, holder));
    },
    extend: async (id, token, leaseMs) =>
      await hold(id, token, { leaseMs: wholeMs('leaseMs', leaseMs, 1), notBefore: null }),
    settle: async (id, token) => await leave(id, token, 'settled'),
    async postpone(id, token, notBefore) {
      const at = wholeMs('notBefore', notBefore);
      const isBack = await hold(id, token, { leaseMs: null, notBefore: at });
      if (isBack) scope.news.due(at);
      return isBack;
    },
    deadLetter: async (id, token) => await leave(id, token, 'dead'),
    async revive(item, token) {
      checkItem(item);
      const known = Number.isSafeInteger(token) ? token : -1;
      const isBack = await calls.run(() => takeBack(inColumn(item.id), known));
      if (isBack) scope.news.enqueued(item.partition);
      // A crash before this leaves an id that is not known, which may be enqueued at any time.
      return isBack || (await enqueue(item));
    },
    remove: async (id) => await leave(id, 0, 'removed'),
    backlog: async () => await calls.run(backlog),
    oldest: async () => await calls.run(oldest),
    async holdsOrderKey(orderKey) {
      checkName('orderKey', orderKey);
      return await calls.run(() => holders.add(inColumn(orderKey)));
    },
  };
}

function checkItem(item: QueueItem): QueueItem {
  const { id, partition, priority, position, orderKey, notBefore } = item;
  checkName('id', id);
  checkName('partition', partition);
  checkInteger('priority', priority, 1);
  checkInteger('position', position, 0);
  if (orderKey !== undefined) checkName('orderKey', orderKey);
  if (notBefore === undefined) return { ...item };
  return { ...item, notBefore: wholeMs('notBefore', notBefore) };
}

/** Questions whether order keys are held, asked together. */
function orderKeyHolders({ id, schema, transactions }: Scope): GroupedCalls<string, boolean> {
  const sql = `
    SELECT held.order_key FROM unnest($2::text[]) AS asked (order_key) CROSS JOIN LATERAL (
      SELECT q.order_key FROM ${schema}.queue AS q WHERE q.scope = $1 AND q.order_key = asked.order_key LIMIT 1
    ) AS held`;
  return new GroupedCalls({
    perform: async (keys) => {
      const rows = await transactions.read((query) => query(sql, [id, [...keys]]));
      const held = new Set(rows.map((row) => row['order_key']));
      return keys.map((key) => held.has(key));
    },
  });
}
