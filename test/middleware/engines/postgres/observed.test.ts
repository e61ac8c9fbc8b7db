import { describe, expect, it } from 'vitest';
import {
  type Commit,
  commitFinished,
  commitSources,
} from '../../../../packages/middleware/src/drivers/driver.ts';
import { observe } from '../../../../packages/middleware/src/drivers/pg.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { type RequestContext, requestContext } from '../../../../packages/middleware/src/request-context.ts';
import { bytes } from '../../../contracts/engine-under-test.ts';
import { usePostgres } from './place.ts';

const place = usePostgres();

/** The partitions of the commits that were published meanwhile. */
async function published(body: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const listener = (message: unknown): void => {
    seen.push((message as Commit).partition);
  };
  commitFinished.subscribe(listener);
  try {
    await body();
  } finally {
    commitFinished.unsubscribe(listener);
  }
  return seen;
}

async function useEverything({ log, store, queue }: OpenEngine): Promise<void> {
  await log.append([bytes('x')]);
  await store.put('k', bytes('x'));
  await queue.enqueue({ id: `${Math.random()}`, partition: 'p', priority: 1, position: 0 });
  await queue.claim({ partition: 'p', limit: 1, leaseMs: 1_000, holder: 'h' });
  await queue.backlog();
}

/** As the gate runs a request that may be postponed and is to be done once. */
function asRequest<T>(body: () => Promise<T>, wrote: string[]): Promise<T> {
  const context: RequestContext = {
    postponable: true,
    completion: { key: `key ${Math.random()}`, nextOrdinal: 0, duplicate: false },
    wrote: (partition) => void wrote.push(partition),
  };
  return requestContext.run(context, body);
}

describe('an engine on a pool that is observed', () => {
  it('is no sample of the application’s partition, while the application’s commits are', async () => {
    const pool = place.newPool({ max: 2 });
    const { stop } = observe(pool, { partition: 'orders' });
    await place.sql('CREATE TABLE IF NOT EXISTS orders (id integer)');
    const engine = await place.open(place.newSchema(), { pool });
    expect(await published(() => useEverything(engine))).toEqual([]);
    const commits = await published(async () => {
      await Promise.all([useEverything(engine), pool.query('INSERT INTO orders VALUES (1)')]);
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query('INSERT INTO orders VALUES (2)');
      await client.query('COMMIT');
      client.release();
      await useEverything(engine);
    });
    expect(commits).toEqual(['orders', 'orders']);
    stop();
  });

  it('writes no completion row and takes no share of the pool on behalf of a request', async () => {
    const pool = place.newPool({ max: 2 });
    const { stop } = observe(pool, { partition: 'orders', ensure: true });
    const engine = await place.open(place.newSchema(), { pool });
    // A request that may be postponed leaves the last connection free; this one is taken.
    const held = await pool.connect();
    const wrote: string[] = [];
    await asRequest(() => useEverything(engine), wrote);
    held.release();
    expect(wrote).toEqual([]);
    await asRequest(() => pool.query('INSERT INTO orders VALUES (3)'), wrote);
    expect(wrote).toEqual(['orders']);
    expect(await place.sql('SELECT count(*)::integer AS rows FROM slackwater_completions')).toEqual([
      { rows: 1 },
    ]);
    stop();
  });

  it('leaves connections that it opened without the context of the request it opened them for', async () => {
    const pool = place.newPool({ max: 1 });
    const engine = await place.open(place.newSchema(), { pool: place.newPool() });
    await engine.log.size();
    const second = await place.open(place.newSchema(), { pool });
    await pool.query('SELECT 1');
    const seen = await asRequest(async () => {
      await second.log.size();
      return await new Promise((resolve) => {
        requestContext.exit(() => pool.query('SELECT 1', () => resolve(requestContext.getStore())));
      });
    }, []);
    expect(seen).toBeUndefined();
  });

  it('is no source of commits where everything is observed', async () => {
    const { stop } = observe();
    const engine = await place.open(place.newSchema());
    expect(await published(() => useEverything(engine))).toEqual([]);
    expect([...commitSources()]).toEqual([]);
    stop();
  });
});
