import { describe, expect, it } from 'vitest';
import { type MakeEngineUnderTest, withEngineOf, within } from './engine-under-test.ts';
import { claim, claimBriefly, ids, item } from './queue-contract.ts';

const keyed = (id: string, position: number, more = {}) => item(id, position, { orderKey: 'k', ...more });

/** What queue.ts states of order keys, tried: no item is given while an earlier one of its key is unsettled. */
export function queueOrderContract(make: MakeEngineUnderTest): void {
  const withEngine = withEngineOf(make);

  describe('queue, order keys', () => {
    it(
      'gives one item of a key at a time, in the order of the positions',
      withEngine(async ({ queue }) => {
        for (const position of [0, 1, 2]) await queue.enqueue(keyed(`k${position}`, position));
        await queue.enqueue(item('free', 3));
        for (const position of [0, 1, 2]) {
          const claimed = await claim(queue);
          expect(ids(claimed)).toEqual(position === 0 ? ['k0', 'free'] : [`k${position}`]);
          expect(await queue.holdsOrderKey('k')).toBe(true);
          expect(await queue.settle(`k${position}`, claimed[0]?.token ?? 0)).toBe(true);
        }
        expect(await queue.holdsOrderKey('k')).toBe(false);
      }),
    );

    it(
      'lets no priority and no partition overtake',
      withEngine(async ({ queue }) => {
        await queue.enqueue(keyed('first', 0, { priority: 9 }));
        await queue.enqueue(keyed('second', 1, { priority: 1 }));
        await queue.enqueue(keyed('third', 2, { partition: 'q' }));
        expect(await claim(queue, 100, 'q')).toEqual([]);
        const [first, ...others] = await claim(queue);
        expect(first?.id).toBe('first');
        expect(others).toEqual([]);
        await queue.settle('first', first?.token ?? 0);
        expect(await claim(queue, 100, 'q')).toEqual([]);
        const [second] = await claim(queue);
        await queue.settle('second', second?.token ?? 0);
        expect(ids(await claim(queue, 100, 'q'))).toEqual(['third']);
      }),
    );

    it(
      'waits for a predecessor whatever that one waits for: a time, a lease, its holder’s death',
      withEngine(async ({ queue }, under) => {
        const early = within(under, 1_000);
        await queue.enqueue(keyed('first', 0, { notBefore: under.clock.wallNow() + 1_000 }));
        await queue.enqueue(keyed('second', 1));
        await early(async () => expect(await claim(queue)).toEqual([]));
        await under.pass(1_000);
        const [held] = await claim(queue);
        expect(held?.id).toBe('first');
        const postponed = within(under, 1_000);
        await queue.postpone('first', held?.token ?? 0, under.clock.wallNow() + 1_000);
        await postponed(async () => expect(await claim(queue)).toEqual([]));
        await under.pass(1_000);
        expect(ids(await claimBriefly(queue))).toEqual(['first']);
        await under.pass(1_000);
        expect(ids(await claim(queue))).toEqual(['first']);
      }),
    );

    it(
      'puts an earlier item first that came to the queue later',
      withEngine(async ({ queue }, under) => {
        await queue.enqueue(keyed('late', 5));
        await queue.enqueue(keyed('early', 2));
        const [early, ...others] = await claim(queue);
        expect(early?.id).toBe('early');
        expect(others).toEqual([]);
        await queue.settle('early', early?.token ?? 0);
        const [late] = await claim(queue);
        expect(late?.id).toBe('late');
        // While it is held an earlier one comes; when it is postponed it must let that one pass.
        await queue.enqueue(keyed('earlier', 1));
        await queue.postpone('late', late?.token ?? 0, under.clock.wallNow());
        const [earlier, ...none] = await claim(queue);
        expect(earlier?.id).toBe('earlier');
        expect(none).toEqual([]);
        await queue.settle('earlier', earlier?.token ?? 0);
        expect(ids(await claim(queue))).toEqual(['late']);
      }),
    );

    it(
      'goes on with the next one when an item is dead-lettered or removed',
      withEngine(async ({ queue }) => {
        for (const position of [0, 1, 2, 3]) await queue.enqueue(keyed(`k${position}`, position));
        const [first] = await claim(queue);
        expect(await queue.deadLetter('k0', first?.token ?? 0)).toBe(true);
        expect(await queue.remove('k1')).toBe(true);
        const claimed = await claim(queue);
        expect(ids(claimed)).toEqual(['k2']);
        expect(await queue.remove('k3')).toBe(true);
        await queue.settle('k2', claimed[0]?.token ?? 0);
        expect(await queue.holdsOrderKey('k')).toBe(false);
        expect(await queue.backlog()).toEqual([]);
      }),
    );

    it(
      'puts a revived item before the later ones of its order key again',
      withEngine(async ({ queue }) => {
        await queue.enqueue(keyed('k0', 0));
        await queue.enqueue(keyed('k1', 1));
        const [first] = await claim(queue);
        const token = first?.token ?? 0;
        await queue.deadLetter('k0', token);
        expect(await queue.revive(keyed('k0', 0), token)).toBe(true);
        const [again] = await claim(queue);
        expect(again?.id).toBe('k0');
        await queue.settle('k0', again?.token ?? 0);
        expect(ids(await claim(queue))).toEqual(['k1']);
      }),
    );

    it(
      'claims no item by its id before the earlier ones of its order key',
      withEngine(async ({ queue }) => {
        await queue.enqueue(keyed('k0', 0));
        await queue.enqueue(keyed('k1', 1));
        const terms = { leaseMs: 600_000, holder: 'test' };
        expect(await queue.claimOne('k1', terms)).toBeUndefined();
        const first = await queue.claimOne('k0', terms);
        expect(await queue.claimOne('k1', terms)).toBeUndefined();
        await queue.settle('k0', first?.token ?? 0);
        expect((await queue.claimOne('k1', terms))?.id).toBe('k1');
      }),
    );

    it(
      'keeps the notBefore of an item that had to wait for another',
      withEngine(async ({ queue }, under) => {
        const early = within(under, 2_000);
        await queue.enqueue(keyed('first', 0));
        await queue.enqueue(keyed('second', 1, { notBefore: under.clock.wallNow() + 2_000 }));
        const [first] = await claim(queue);
        await queue.settle('first', first?.token ?? 0);
        await early(async () => expect(await claim(queue)).toEqual([]));
        await under.pass(2_000);
        expect(ids(await claim(queue))).toEqual(['second']);
      }),
    );

    it(
      'counts an item behind another as backlog that is not due',
      withEngine(async ({ queue }) => {
        await queue.enqueue(keyed('first', 0, { partition: 'q' }));
        await queue.enqueue(keyed('second', 1));
        const p = (await queue.backlog()).find(({ partition }) => partition === 'p');
        expect(p).toEqual({ partition: 'p', items: 1, duePriority: undefined, nextDueAt: undefined });
        const [first] = await claim(queue, 1, 'q');
        await queue.settle('first', first?.token ?? 0);
        expect(await queue.backlog()).toEqual([
          { partition: 'p', items: 1, duePriority: 1, nextDueAt: undefined },
        ]);
      }),
    );

    it(
      'finds what is due behind a long tail of one key',
      withEngine(async ({ queue }) => {
        await Promise.all(
          Array.from({ length: 500 }, (_, index) => queue.enqueue(keyed(`k${index}`, index))),
        );
        await queue.enqueue(item('free', 1_000));
        expect(ids(await claim(queue, 2))).toEqual(['k0', 'free']);
      }),
    );
  });
}
