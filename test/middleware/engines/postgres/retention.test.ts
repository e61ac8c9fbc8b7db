import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { retentionSuite } from '../../ledger/retention-suite.ts';
import { postgresUnderTest, usePostgres } from './place.ts';

const place = usePostgres();
const dayMs = 24 * 3_600_000;

/**
 * An engine whose sweeps come when the test says so; what has expired, the server's time says. Its role may do what the
 * documents grant.
 */
async function openWithSweeps(schema: string): Promise<{ engine: OpenEngine; sweep(): Promise<void> }> {
  const clock = manualClock();
  await place.migrate(schema);
  const engine = await place.newLeastEngine(schema).open({ ...scope, clock });
  return {
    engine,
    async sweep() {
      clock.advance(30_000);
      // Closing waits for what is under way, and so does whoever asks the tables.
      await engine.log.size();
    },
  };
}

async function untilItIsSo(check: () => Promise<void>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const failed = await check().then(
      () => false,
      () => true,
    );
    if (!failed) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await check();
}

const rows = async (table: string): Promise<unknown> =>
  (await place.sql(`SELECT count(*)::integer AS rows FROM ${table}`))[0]?.['rows'];

describe('what the PostgreSQL engine keeps no longer', () => {
  it('is values that have expired, in batches, and nothing else', async () => {
    const schema = place.newSchema();
    const { engine, sweep } = await openWithSweeps(schema);
    const past = Date.now() - 1;
    await Promise.all(
      Array.from({ length: 1_200 }, (_, n) => engine.store.put(`old/${n}`, bytes('x'), { expiresAt: past })),
    );
    await engine.store.put('stays', bytes('x'), { expiresAt: Date.now() + dayMs });
    await engine.store.put('stays/for-ever', bytes('x'));
    // Where there is more it is looked again soon.
    await untilItIsSo(async () => {
      await sweep();
      expect(await rows(`${schema}.store`)).toBe(2);
    });
    await engine.close();
  });

  it('is settled ids after a day, by emptying the part of the day before yesterday as a whole', async () => {
    const schema = place.newSchema();
    const { engine, sweep } = await openWithSweeps(schema);
    // In the hour around midnight nothing is emptied.
    const [{ part = 0, hour = 0 } = {}] = (await place.sql(`
      SELECT (floor(extract(epoch FROM now()) / 86400) % 3)::integer AS part,
        (floor(extract(epoch FROM now()) / 3600) % 24)::integer AS hour`)) as {
      part: number;
      hour: number;
    }[];
    const fill = (of: number, id: string) =>
      place.sql(`INSERT INTO ${schema}.settled VALUES ($1, 1, $2, $3)`, [of % 3, id, Date.now() + dayMs]);
    await fill(part, 'today');
    await fill(part + 2, 'yesterday');
    await fill(part + 1, 'before');
    const kept = hour >= 1 && hour < 23 ? ['today', 'yesterday'] : ['before', 'today', 'yesterday'];
    await untilItIsSo(async () => {
      await sweep();
      const ids = (await place.sql(`SELECT id FROM ${schema}.settled ORDER BY id`)).map(({ id }) => id);
      expect(ids).toEqual(kept);
    });
    for (const id of ['today', 'yesterday']) {
      expect(await engine.queue.enqueue({ id, partition: 'p', priority: 1, position: 0 })).toBe(false);
    }
    await engine.close();
  });

  it('is that an id was settled, from a day later on, and dead letters after thirty', async () => {
    const schema = place.newSchema();
    const { engine, sweep } = await openWithSweeps(schema);
    const item = (id: string) => ({ id, partition: 'p', priority: 1, position: 0 });
    for (const id of ['settled', 'dead']) await engine.queue.enqueue(item(id));
    const claims = await engine.queue.claim({ partition: 'p', limit: 2, leaseMs: 1_000, holder: 'h' });
    for (const { id, token } of claims)
      await engine.queue[id === 'dead' ? 'deadLetter' : 'settle'](id, token);
    const [settled] = await place.sql(`SELECT until - $1::bigint AS "in" FROM ${schema}.settled`, [
      Date.now(),
    ]);
    const [dead] = await place.sql(`SELECT until - $1::bigint AS "in", holder FROM ${schema}.dead_letter`, [
      Date.now(),
    ]);
    expect(Number(settled?.['in']) / dayMs).toBeCloseTo(1, 2);
    expect(Number(dead?.['in']) / dayMs).toBeCloseTo(30, 2);
    expect(dead?.['holder']).toBe('h');
    await place.sql(`UPDATE ${schema}.settled SET until = 0`);
    await place.sql(`UPDATE ${schema}.dead_letter SET until = 0`);
    expect(await engine.queue.enqueue(item('settled'))).toBe(true);
    expect(await engine.queue.enqueue(item('dead'))).toBe(false);
    await untilItIsSo(async () => {
      await sweep();
      expect(await rows(`${schema}.dead_letter`)).toBe(0);
    });
    expect(await engine.queue.enqueue(item('dead'))).toBe(true);
    await engine.close();
  });

  it('is counters of partitions that have no items', async () => {
    const schema = place.newSchema();
    const { engine, sweep } = await openWithSweeps(schema);
    const other = await place.open(schema);
    // Counted up by one host and down by the other: neither's row says 0.
    await engine.queue.enqueue({ id: 'one', partition: 'p', priority: 1, position: 0 });
    await engine.queue.enqueue({ id: 'stays', partition: 'q', priority: 1, position: 0 });
    expect(await other.queue.remove('one')).toBe(true);
    await untilItIsSo(async () => {
      await sweep();
      expect(await place.sql(`SELECT DISTINCT partition FROM ${schema}.backlog`)).toEqual([
        { partition: 'q' },
      ]);
    });
    expect(await engine.queue.backlog()).toMatchObject([{ partition: 'q', items: 1 }]);
    await engine.close();
  });
});

describe('a queue that lives long', () => {
  it('stays as large as what is on it, however much went through', async () => {
    const schema = place.newSchema();
    const { queue } = await place.open(schema);
    const size = async (): Promise<number> => {
      await place.sql(`VACUUM ${schema}.queue`);
      await place.sql(`VACUUM ${schema}.backlog`);
      const [row] = await place.sql(
        `SELECT (pg_total_relation_size('${schema}.queue') + pg_total_relation_size('${schema}.backlog'))::integer AS bytes`,
      );
      return Number(row?.['bytes']);
    };
    let id = 0;
    const through = async (): Promise<void> => {
      await Promise.all(
        Array.from({ length: 1_000 }, () => {
          id += 1;
          return queue.enqueue({
            id: `i${id}`,
            partition: 'p',
            priority: 1 + (id % 3),
            position: id,
            orderKey: `k${id % 50}`,
          });
        }),
      );
      for (let left = 1_000; left > 0; ) {
        const claims = await queue.claim({ partition: 'p', limit: 100, leaseMs: 60_000, holder: 'h' });
        await Promise.all(claims.map((claim) => queue.settle(claim.id, claim.token)));
        left -= claims.length;
      }
    };
    await through();
    const once = await size();
    for (let round = 0; round < 5; round += 1) {
      await through();
      await place.sql(`VACUUM ${schema}.queue`);
    }
    expect(await size()).toBeLessThan(2 * once);
    expect(await queue.backlog()).toEqual([]);
  });
});

retentionSuite('PostgreSQL', () => postgresUnderTest(place));
