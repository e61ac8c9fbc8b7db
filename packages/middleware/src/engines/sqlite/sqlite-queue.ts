import { checkInteger, checkName, engineLimits, wholeMs } from '../limits.ts';
import type { Claim, EngineQueue, QueueItem } from '../queue.ts';
import type { ClaimRow, ItemRow } from './protocol.ts';
import type { ScopeCalls } from './scope-calls.ts';

/** The queue of one scope. Leases and due times go by the time that comes with the calls. */
export function sqliteQueue({ scope, call, now }: ScopeCalls): EngineQueue {
  return {
    async enqueue(item) {
      return (await call('enqueue', [scope, toRow(item), now()])).value;
    },
    async claim({ partition, limit, leaseMs, holder }) {
      checkName('partition', partition);
      checkName('holder', holder);
      checkInteger('limit', limit, 1, engineLimits.itemsPerClaim);
      const lease = wholeMs('leaseMs', leaseMs, 1);
      const { value } = await call('claim', [scope, partition, limit, lease, holder, now()]);
      return value.map(toClaim);
    },
    async claimOne(id, { leaseMs, holder }) {
      checkName('id', id);
      checkName('holder', holder);
      const { value } = await call('claimOne', [scope, id, wholeMs('leaseMs', leaseMs, 1), holder, now()]);
      return value === null ? undefined : toClaim(value);
    },
    async extend(id, token, leaseMs) {
      checkName('id', id);
      const until = now() + wholeMs('leaseMs', leaseMs, 1);
      return (await call('extend', [scope, id, token, until])).value;
    },
    async settle(id, token) {
      checkName('id', id);
      return (await call('settle', [scope, id, token, now()])).value;
    },
    async postpone(id, token, notBefore) {
      checkName('id', id);
      const due = wholeMs('notBefore', notBefore);
      return (await call('postpone', [scope, id, token, due])).value;
    },
    async deadLetter(id, token) {
      checkName('id', id);
      return (await call('deadLetter', [scope, id, token, now()])).value;
    },
    async revive(item, token) {
      return (await call('revive', [scope, toRow(item), token, now()])).value;
    },
    async remove(id) {
      checkName('id', id);
      return (await call('remove', [scope, id, now()])).value;
    },
    async backlog() {
      const { value } = await call('backlog', [scope, now()]);
      return value.map(([partition, items, duePriority, nextDueAt]) => ({
        partition,
        items,
        duePriority: duePriority ?? undefined,
        nextDueAt: nextDueAt ?? undefined,
      }));
    },
    async oldest() {
      const { value } = await call('oldest', [scope]);
      return value.map(([partition, id, position]) => ({ partition, id, position }));
    },
    async holdsOrderKey(orderKey) {
      checkName('orderKey', orderKey);
      return (await call('holdsOrderKey', [scope, orderKey])).value;
    },
  };
}

function toRow({ id, partition, priority, position, orderKey, notBefore }: QueueItem): ItemRow {
  checkName('id', id);
  checkName('partition', partition);
  checkInteger('priority', priority, 1);
  checkInteger('position', position, 0);
  if (orderKey !== undefined) checkName('orderKey', orderKey);
  const due = notBefore === undefined ? null : wholeMs('notBefore', notBefore);
  return [id, partition, priority, position, orderKey ?? null, due];
}

function toClaim([id, partition, priority, position, orderKey, notBefore, token]: ClaimRow): Claim {
  return {
    id,
    partition,
    priority,
    position,
    token,
    ...(orderKey === null ? {} : { orderKey }),
    ...(notBefore === null ? {} : { notBefore }),
  };
}
