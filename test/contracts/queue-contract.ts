import { describe, expect, it } from 'vitest';
import type { EngineQueue, QueueItem } from '../../packages/middleware/src/engines/queue.ts';
import { type MakeEngineUnderTest, withEngineOf, within, withSecond } from './engine-under-test.ts';

/** An item on partition `p` with priority 1, due at once, unless said otherwise. */
export const item = (id: string, position: number, more: Partial<QueueItem> = {}): QueueItem => ({
  id,
  partition: 'p',
  priority: 1,
  position,
  ...more,
});

/** Claims up to `limit` items of `p`, for longer than any test takes. */
export const claim = (queue: EngineQueue, limit = 100, partition = 'p', leaseMs = 600_000) =>
  queue.claim({ partition, limit, leaseMs, holder: 'test' });

/** Claims what is there of `p`, for a second. */
export const claimBriefly = (queue: EngineQueue) => claim(queue, 100, 'p', 1_000);

export const ids = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id);

/** What queue.ts states of items, leases and tokens, tried. */
export function queueContract(make: MakeEngineUnderTest): void {
  const withEngine = withEngineOf(make);

  describe('queue', () => {
    it(
      'gives what was enqueued, by priority and within it by position',
      withEngine(async ({ queue }) => {
        expect(await claim(queue)).toEqual([]);
        await queue.enqueue(item('c', 3, { priority: 2 }));
        await queue.enqueue(item('d', 4, { priority: 10 }));
        await queue.enqueue(item('b', 5));
        await queue.enqueue(item('a', 2));
        await queue.enqueue(item('elsewhere', 1, { partition: 'q' }));
        const [first, ...rest] = await claim(queue);
        expect(first).toEqual({ ...item('a', 2), token: expect.any(Number) });
        expect(ids(rest)).toEqual(['b', 'c', 'd']);
        expect(await claim(queue)).toEqual([]);
        expect(ids(await claim(queue, 1, 'q'))).toEqual(['elsewhere']);
      }),
    );

    it(
      'gives at most as many as asked for, the best first',
      withEngine(async ({ queue }) => {
        for (const position of [3, 1, 4, 0, 2]) await queue.enqueue(item(`i${position}`, position));
        expect(ids(await claim(queue, 2))).toEqual(['i0', 'i1']);
        expect(ids(await claim(queue, 2))).toEqual(['i2', 'i3']);
      }),
    );

    it(
      'changes nothing when an id is enqueued again: on the queue, claimed, settled or dead-lettered',
      withEngine(async ({ queue }, under) => {
        expect(await queue.enqueue(item('x', 0))).toBe(true);
        expect(await queue.enqueue(item('x', 0, { priority: 9 }))).toBe(false);
        expect(await queue.enqueue(item('y', 1))).toBe(true);
        const [x, y] = await claimBriefly(queue);
        expect(x?.priority).toBe(1);
        expect(await queue.enqueue(item('x', 0))).toBe(false);
        expect(await queue.settle('x', x?.token ?? 0)).toBe(true);
        expect(await queue.deadLetter('y', y?.token ?? 0)).toBe(true);
        await under.pass(2_000);
        expect(await queue.enqueue(item('x', 0))).toBe(false);
        expect(await queue.enqueue(item('y', 1))).toBe(false);
        expect(await claim(queue)).toEqual([]);
        expect(await queue.backlog()).toEqual([]);
      }),
    );

    it(
      'gives a dead-lettered item again once it is revived, with a greater token',
      withEngine(async ({ queue }) => {
        await queue.enqueue(item('x', 0));
        await queue.enqueue(item('y', 1));
        const [first] = await claim(queue, 1);
        const token = first?.token ?? 0;
        expect(await queue.deadLetter('x', token)).toBe(true);
        expect(await queue.revive(item('x', 0), token)).toBe(true);
        expect(await queue.revive(item('x', 0), token)).toBe(false);
        const [again, next] = await claim(queue);
        expect(again).toEqual({ ...item('x', 0), token: expect.any(Number) });
        expect(again?.token).toBeGreaterThan(token);
        expect(next?.id).toBe('y');
        expect(await queue.revive(item('x', 0), token)).toBe(false);
        expect(await queue.settle('x', token)).toBe(false);
        expect(await queue.settle('x', again?.token ?? 0)).toBe(true);
        expect(await queue.revive(item('x', 0), again?.token ?? 0)).toBe(false);
        expect(await queue.backlog()).toMatchObject([{ partition: 'p', items: 1 }]);
      }),
    );

    it(
      'takes an item back from a holder that has not dead-lettered it yet, and enqueues what it does not know',
      withEngine(async ({ queue }) => {
        await queue.enqueue(item('x', 0));
        const [held] = await claim(queue, 1);
        const token = held?.token ?? 0;
        expect(await queue.revive(item('x', 0), token + 1)).toBe(false);
        expect(await queue.revive(item('x', 0), token)).toBe(true);
        expect(await queue.deadLetter('x', token)).toBe(false);
        expect(await queue.extend('x', token, 1_000)).toBe(false);
        const [again] = await claim(queue);
        expect(again?.token).toBeGreaterThan(token);
        expect(await queue.revive(item('new', 1), 7)).toBe(true);
        expect(await queue.revive(item('new', 1), 0)).toBe(false);
        expect(ids(await claim(queue))).toEqual(['new']);
      }),
    );

    it(
      'claims the very item that is asked for, due or not, unless somebody holds it',
      withEngine(async ({ queue }, under) => {
        const notBefore = under.clock.wallNow() + 3_600_000;
        await queue.enqueue(item('first', 0));
        await queue.enqueue(item('later', 1, { notBefore }));
        const terms = { leaseMs: 600_000, holder: 'test' };
        const later = await queue.claimOne('later', terms);
        expect(later).toEqual({ ...item('later', 1), notBefore, token: expect.any(Number) });
        expect(await queue.claimOne('later', terms)).toBeUndefined();
        expect(await queue.claimOne('nowhere', terms)).toBeUndefined();
        expect(await queue.postpone('later', later?.token ?? 0, notBefore)).toBe(true);
        const again = await queue.claimOne('later', terms);
        expect(again?.token).toBeGreaterThan(later?.token ?? Number.POSITIVE_INFINITY);
        expect(await queue.settle('later', again?.token ?? 0)).toBe(true);
        expect(await queue.claimOne('later', terms)).toBeUndefined();
        expect(ids(await claim(queue))).toEqual(['first']);
      }),
    );

    it(
      'tells which item of each partition has waited longest, whatever its priority and whatever it waits for',
      withEngine(async ({ queue }, under) => {
        expect(await queue.oldest()).toEqual([]);
        const notBefore = under.clock.wallNow() + 3_600_000;
        await queue.enqueue(item('late', 1, { priority: 5, notBefore }));
        for (const position of [2, 3, 4]) await queue.enqueue(item(`i${position}`, position));
        await queue.enqueue(item('elsewhere', 9, { partition: 'q', orderKey: 'k' }));
        await queue.enqueue(item('behind', 10, { partition: 'q', orderKey: 'k' }));
        const there = { partition: 'q', id: 'elsewhere', position: 9 };
        expect(await queue.oldest()).toEqual([{ partition: 'p', id: 'late', position: 1 }, there]);
        const late = await queue.claimOne('late', { leaseMs: 600_000, holder: 'test' });
        await queue.settle('late', late?.token ?? 0);
        const [first] = await claim(queue, 1);
        expect(await queue.oldest()).toEqual([{ partition: 'p', id: 'i2', position: 2 }, there]);
        await queue.deadLetter('i2', first?.token ?? 0);
        expect(await queue.oldest()).toEqual([{ partition: 'p', id: 'i3', position: 3 }, there]);
      }),
    );

    it(
      'holds an item back until notBefore',
      withEngine(async ({ queue }, under) => {
        const early = within(under, 1_000);
        const notBefore = under.clock.wallNow() + 1_000;
        await queue.enqueue(item('later', 0, { notBefore }));
        await queue.enqueue(item('now', 1));
        await early(async () => expect(ids(await claim(queue))).toEqual(['now']));
        await under.pass(1_000);
        const [later] = await claim(queue);
        expect(later).toMatchObject({ id: 'later', notBefore });
      }),
    );

    it(
      'gives an item whose lease has ended again, with a greater token, and shuts the first holder out',
      withEngine(async ({ queue }, under) => {
        await queue.enqueue(item('x', 0));
        const leased = within(under, 1_000);
        const [first] = await claimBriefly(queue);
        await leased(async () => expect(await claim(queue)).toEqual([]));
        await under.pass(1_000);
        const [second] = await claim(queue);
        expect(second?.token).toBeGreaterThan(first?.token ?? Number.POSITIVE_INFINITY);
        const lost = first?.token ?? 0;
        expect(await queue.extend('x', lost, 1_000)).toBe(false);
        expect(await queue.settle('x', lost)).toBe(false);
        expect(await queue.postpone('x', lost, 0)).toBe(false);
        expect(await queue.deadLetter('x', lost)).toBe(false);
        expect(await queue.settle('x', second?.token ?? 0)).toBe(true);
        expect(await queue.settle('x', second?.token ?? 0)).toBe(false);
      }),
    );

    it(
      'leaves an ended lease with its holder until somebody takes it over',
      withEngine(async ({ queue }, under) => {
        await queue.enqueue(item('x', 0));
        await queue.enqueue(item('y', 1));
        const [x, y] = await claimBriefly(queue);
        await under.pass(5_000);
        const leased = within(under, 1_000);
        expect(await queue.extend('x', x?.token ?? 0, 1_000)).toBe(true);
        expect(await queue.settle('y', y?.token ?? 0)).toBe(true);
        await leased(async () => expect(await claim(queue)).toEqual([]));
        await under.pass(1_000);
        expect(ids(await claim(queue))).toEqual(['x']);
      }),
    );

    it(
      'prolongs a lease from now, not from its old end',
      withEngine(async ({ queue }, under) => {
        await queue.enqueue(item('x', 0));
        const [x] = await claim(queue, 1, 'p', 60_000);
        expect(await queue.extend('x', x?.token ?? 0, 1_000)).toBe(true);
        await under.pass(1_000);
        expect(ids(await claim(queue))).toEqual(['x']);
      }),
    );

    it(
      'postpones until a time, with the token used up only by the next claim',
      withEngine(async ({ queue }, under) => {
        await queue.enqueue(item('x', 0));
        const [first] = await claim(queue);
        const postponed = within(under, 2_000);
        const notBefore = under.clock.wallNow() + 2_000;
        expect(await queue.postpone('x', first?.token ?? 0, notBefore)).toBe(true);
        await under.pass(1_000);
        await postponed(async () => expect(await claim(queue)).toEqual([]));
        await under.pass(1_000);
        const [second] = await claim(queue);
        expect(second).toMatchObject({ id: 'x', notBefore });
        expect(second?.token).toBeGreaterThan(first?.token ?? Number.POSITIVE_INFINITY);
        expect(await queue.postpone('x', second?.token ?? 0, 0)).toBe(true);
        expect(ids(await claim(queue))).toEqual(['x']);
      }),
    );

    it(
      'lets nobody settle an item that was never claimed, or is not there',
      withEngine(async ({ queue }) => {
        await queue.enqueue(item('x', 0));
        for (const token of [0, 1, 2, -1]) {
          expect(await queue.settle('x', token)).toBe(false);
          expect(await queue.deadLetter('x', token)).toBe(false);
        }
        expect(await queue.settle('nobody', 1)).toBe(false);
        expect(ids(await claim(queue))).toEqual(['x']);
      }),
    );

    it(
      'removes what nobody holds, and nothing else',
      withEngine(async ({ queue }, under) => {
        await queue.enqueue(item('free', 0));
        expect(await queue.remove('free')).toBe(true);
        expect(await queue.remove('free')).toBe(false);
        await queue.enqueue(item('held', 1));
        const [held] = await claim(queue);
        expect(await queue.remove('held')).toBe(false);
        expect(await queue.postpone('held', held?.token ?? 0, under.clock.wallNow() + 60_000)).toBe(true);
        expect(await queue.remove('held')).toBe(true);
        await queue.enqueue(item('left', 2));
        const [left] = await claimBriefly(queue);
        await under.pass(1_000);
        expect(await queue.remove('left')).toBe(true);
        expect(await queue.settle('left', left?.token ?? 0)).toBe(false);
        expect(await queue.backlog()).toEqual([]);
      }),
    );

    it(
      'tells the backlog of each partition: how many, what is due, and when the next will be',
      withEngine(async ({ queue }, under) => {
        const early = within(under, 5_000);
        const notBefore = under.clock.wallNow() + 5_000;
        expect(await queue.backlog()).toEqual([]);
        await queue.enqueue(item('a', 0, { priority: 3 }));
        await queue.enqueue(item('b', 1, { priority: 2 }));
        await queue.enqueue(item('c', 2, { notBefore }));
        await queue.enqueue(item('d', 3, { partition: 'q', notBefore }));
        const byName = async () =>
          (await queue.backlog()).toSorted((one, other) => (one.partition < other.partition ? -1 : 1));
        await early(async () =>
          expect(await byName()).toEqual([
            { partition: 'p', items: 3, duePriority: 2, nextDueAt: notBefore },
            { partition: 'q', items: 1, duePriority: undefined, nextDueAt: notBefore },
          ]),
        );
        const leased = within(under, 1_000);
        const [b] = await claim(queue, 1, 'p', 1_000);
        await early(() =>
          leased(async () => {
            const [p] = await byName();
            expect(p).toMatchObject({ items: 3, duePriority: 3 });
            expect(p?.nextDueAt).toBeLessThan(notBefore);
          }),
        );
        await queue.settle('b', b?.token ?? 0);
        await under.pass(5_000);
        expect(await byName()).toEqual([
          { partition: 'p', items: 2, duePriority: 1, nextDueAt: undefined },
          { partition: 'q', items: 1, duePriority: 1, nextDueAt: undefined },
        ]);
      }),
    );

    it(
      'gives each item to one of two processes that claim at once',
      withEngine(async (engine, under) => {
        await Promise.all(
          Array.from({ length: 200 }, (_, index) => engine.queue.enqueue(item(`i${index}`, index))),
        );
        await withSecond(under, async (second) => {
          const claims = await Promise.all(
            Array.from({ length: 40 }, (_, index) => claim((index % 2 === 0 ? engine : second).queue, 5)),
          );
          const claimed = ids(claims.flat());
          expect(claimed.length).toBe(200);
          expect(new Set(claimed).size).toBe(200);
        });
      }),
    );

    it(
      'refuses items and claims outside its bounds',
      withEngine(async ({ queue }) => {
        await expect(queue.enqueue(item('', 0))).rejects.toThrow(RangeError);
        await expect(queue.enqueue(item('x', -1))).rejects.toThrow(RangeError);
        await expect(queue.enqueue(item('x', 0, { priority: 0 }))).rejects.toThrow(RangeError);
        await expect(queue.enqueue(item('x', 0, { notBefore: Number.NaN }))).rejects.toThrow(RangeError);
        await expect(claim(queue, 0)).rejects.toThrow(RangeError);
        await expect(claim(queue, 101)).rejects.toThrow(RangeError);
        await expect(claim(queue, 1, 'p', 0)).rejects.toThrow(RangeError);
        expect(await queue.backlog()).toEqual([]);
      }),
    );
  });
}
