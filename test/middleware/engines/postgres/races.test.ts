import { describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { bytes, texts } from '../../../contracts/engine-under-test.ts';
import { usePostgres } from './place.ts';

const place = usePostgres();

const hosts = (schema: string, count: number): Promise<OpenEngine[]> =>
  Promise.all(Array.from({ length: count }, () => place.open(schema)));

describe('hosts that work on one schema at once', () => {
  it('append without gaps, each in the order of its own calls', async () => {
    const all = await hosts(place.newSchema(), 4);
    const appended = await Promise.all(
      all.flatMap(({ log }, host) =>
        Array.from({ length: 250 }, async (_, turn) => {
          const { first } = await log.append([bytes(`${host}/${turn}`)]);
          return { host, turn, first };
        }),
      ),
    );
    const entries = texts((await all[0]?.log.read(0, 10_000)) ?? []);
    expect(appended.map(({ first }) => first).toSorted((a, b) => a - b)).toEqual(entries.map((_, at) => at));
    for (const { host, turn, first } of appended) expect(entries[first]).toBe(`${host}/${turn}`);
    for (const host of all.keys()) {
      const own = appended.filter((one) => one.host === host).map(({ first }) => first);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  });

  it('never hold two items of one order key at once, and lose none', async () => {
    const schema = place.newSchema();
    const all = await hosts(schema, 4);
    const items = Array.from({ length: 600 }, (_, position) => ({
      id: `i${position}`,
      partition: position % 3 === 0 ? 'p' : 'q',
      priority: 1 + (position % 2),
      position,
      ...(position % 10 === 0 ? {} : { orderKey: `k${position % 7}` }),
    }));
    const held = new Map<string, string>();
    const done = new Set<string>();
    const last = new Map<string, number>();

    const perform = async ({ queue }: OpenEngine, partition: string): Promise<void> => {
      while (done.size < items.length) {
        const claims = await queue.claim({ partition, limit: 7, leaseMs: 60_000, holder: 'host' });
        for (const { id, orderKey, position } of claims) {
          expect(done.has(id)).toBe(false);
          if (orderKey === undefined) continue;
          expect([id, held.get(orderKey)]).toEqual([id, undefined]);
          held.set(orderKey, id);
          expect(position).toBeGreaterThan(last.get(orderKey) ?? -1);
          last.set(orderKey, position);
        }
        await Promise.all(
          claims.map(async ({ id, orderKey, token }, index) => {
            if (index % 3 === 2) await queue.extend(id, token, 60_000);
            // Before the answer, as the next of the key may be claimed from then on.
            if (orderKey !== undefined) held.delete(orderKey);
            done.add(id);
            expect(await queue[index % 5 === 4 ? 'deadLetter' : 'settle'](id, token)).toBe(true);
          }),
        );
      }
    };

    // The items of one key in the order of their positions, and performed meanwhile.
    const enqueueAll = async (): Promise<void> => {
      for (let at = 0; at < items.length; at += 40) {
        const some = items.slice(at, at + 40);
        await Promise.all(some.map((item) => all[(item.position % 7) % all.length]?.queue.enqueue(item)));
        // Others find the same in the log, and enqueue it too.
        for (const item of some.slice(0, 3)) await all[at % all.length]?.queue.enqueue(item);
      }
    };
    await Promise.all([enqueueAll(), ...all.flatMap((host) => ['p', 'q'].map((p) => perform(host, p)))]);

    expect(await all[0]?.queue.backlog()).toEqual([]);
    expect(await place.sql(`SELECT id FROM ${schema}.queue`)).toEqual([]);
    for (const item of items.slice(0, 50)) expect(await all[1]?.queue.enqueue(item)).toBe(false);
  });

  it('enqueue an id once, and not again though it is settled at that very time', async () => {
    const [one, other] = await hosts(place.newSchema(), 2);
    if (one === undefined || other === undefined) throw never();
    for (let round = 0; round < 60; round += 1) {
      const item = { id: `i${round}`, partition: 'p', priority: 1, position: round };
      const both = await Promise.all([one.queue.enqueue(item), other.queue.enqueue(item)]);
      expect(both.toSorted()).toEqual([false, true]);
      const [claim] = await one.queue.claim({ partition: 'p', limit: 1, leaseMs: 60_000, holder: 'h' });
      const again = await Promise.all([
        other.queue.enqueue(item),
        one.queue.settle(item.id, claim?.token ?? 0),
        other.queue.enqueue(item),
      ]);
      expect(again).toEqual([false, true, false]);
    }
    expect(await one.queue.backlog()).toEqual([]);
  });

  it('write the same keys of the store at once, in any order, and wait for nobody for ever', async () => {
    const all = await hosts(place.newSchema(), 3);
    const keys = Array.from({ length: 20 }, (_, index) => `k/${index}`);
    await Promise.all(
      Array.from({ length: 30 }, (_, round) =>
        all.flatMap(({ store }, host) => {
          const order = host % 2 === 0 ? keys : keys.toReversed();
          return order.map((key, index) =>
            (index + round) % 4 === 0 ? store.delete(key) : store.put(key, bytes(`${host}/${round}`)),
          );
        }),
      ).flat(),
    );
    const [first] = all;
    for (const { store } of all)
      expect(await store.list('k/', { limit: 100 })).toEqual(await first?.store.list('k/', { limit: 100 }));
  });
});

function never(): Error {
  return new Error('there is one');
}

describe('single entries that many ask for at once', () => {
  it('are read together, however large, each for its own asker', async () => {
    const pool = place.newPool();
    const { log } = await place.open(place.newSchema(), { pool });
    // Together they are more than one answer holds.
    const entries = Array.from({ length: 264 }, (_, at) => bytes(`${at} `.padEnd(65_000, 'x')));
    for (let at = 0; at < entries.length; at += 8) await log.append(entries.slice(at, at + 8));
    let transactions = 0;
    pool.on('acquire', () => {
      transactions += 1;
    });
    const asked = Array.from({ length: 400 }, (_, n) => n % 300);
    const [read, sizes] = await Promise.all([
      Promise.all(asked.map((position) => log.read(position, 1))),
      Promise.all(asked.map(() => log.size())),
    ]);
    const found = read.map(([entry]) =>
      entry === undefined ? undefined : parseInt(texts([entry])[0] ?? '', 10),
    );
    expect(found).toEqual(asked.map((position) => (position < entries.length ? position : undefined)));
    expect(new Set(read.flat()).size).toBe(read.flat().length);
    expect(new Set(sizes)).toEqual(new Set([entries.length]));
    expect(transactions).toBeLessThan(12);
  });
});
