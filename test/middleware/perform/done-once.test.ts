import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Completions, commitSources } from '../../../packages/middleware/src/drivers/driver.ts';
import { type Observed, observe } from '../../../packages/middleware/src/drivers/pg.ts';
import type { PerformerSetup } from '../../../packages/middleware/src/perform/performer.ts';
import { doneOnceContract } from '../../contracts/done-once-contract.ts';
import { completionsOf } from '../drivers/completions-of.ts';
import { signal } from './signal.ts';
import { type Place, place } from './workshop.ts';

const ends: (() => Promise<void>)[] = [];
let postgres: PostgresServer;
let pool: pg.Pool;
let observed: Observed;
let completions: Completions;
let here: Place;

beforeAll(async () => {
  postgres = await startPostgres();
  const client = new pg.Client(postgres.connectionString);
  await client.connect();
  await client.query('CREATE TABLE effects (what text NOT NULL)');
  await client.end();
});
afterAll(async () => {
  for (const end of ends.splice(0)) await end();
  await postgres.stop();
});

beforeEach(async () => {
  here = place(Date.now());
  pool = new pg.Pool({ connectionString: postgres.connectionString, max: 5 });
  pool.on('error', () => {});
  observed = observe(pool, { partition: 'orders', ensure: true });
  const source = [...commitSources()].find(({ partition }) => partition === 'orders');
  if (source?.completions === undefined) throw new Error('no completion rows');
  completions = source.completions;
  await completions.ready();
  await pool.query('TRUNCATE effects, slackwater_completions');
});
afterEach(async () => {
  await here.remove();
  await observed.stop();
  await pool.end();
});

const open = (setup: Partial<PerformerSetup> = {}) =>
  here.open({ completionsOf: () => completions, ...setup });
const effects = async (): Promise<string[]> => {
  const { rows } = await pool.query('SELECT what FROM effects ORDER BY what');
  return rows.map(({ what }) => String(what));
};

/** What a route does for its work: one transaction. */
async function work(what: string, beforeCommit: () => Promise<void> = async () => {}): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('INSERT INTO effects (what) VALUES ($1)', [what]);
    await beforeCommit();
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

/** Runs a process that performs what is queued, and dies after so many commits. */
async function crashAfter(commits: number): Promise<void> {
  const script = fileURLToPath(new URL('crashing-shop.ts', import.meta.url));
  const args = [script, here.directory, postgres.connectionString, String(commits)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [, killedBy] = await once(child, 'exit');
  expect(killedBy).toBe('SIGKILL');
}

describe('a deferral on PostgreSQL', () => {
  it('is done with one completion row, in the transaction of its handler', async () => {
    const shop = await open();
    shop.app.post('/pay', async (_req, res) => {
      await work('paid');
      res.status(201).end();
    });
    const deferral = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(deferral.id)).toMatchObject({ status: 'Succeeded', outcomeKnown: true });
    expect(await completions.find(deferral.completionKey)).toEqual([{ ordinal: 0, tombstone: false }]);
    expect(await effects()).toEqual(['paid']);
  });

  it('is done once although its process was killed between the commit and the outcome (B-49)', async () => {
    const before = await open();
    const { id } = await before.accept('/pay');
    await before.close();
    await crashAfter(1);
    expect(await effects()).toEqual(['pay 0']);

    const after = await open();
    let again = 0;
    after.app.post('/pay', (_req, res) => {
      again += 1;
      res.end();
    });
    after.performer.start();
    expect(await after.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: false, attempts: 1 });
    expect(await after.ledger.outcome(id)).toBeUndefined();
    expect([again, await effects()]).toEqual([0, ['pay 0']]);
  });

  it('is performed again where its process was killed before anything was committed (B-49)', async () => {
    const before = await open();
    const { id } = await before.accept('/pay');
    await before.close();
    await crashAfter(0);

    const after = await open();
    after.app.post('/pay', async (_req, res) => {
      await work('paid');
      res.end();
    });
    after.performer.start();
    expect(await after.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: true, attempts: 2 });
    expect(await effects()).toEqual(['paid']);
  });

  it('is parked where its process was killed between two transactions, unless it may be repeated', async () => {
    for (const repeatable of [false, true]) {
      const before = await open();
      const { id } = await before.accept('/pay');
      await before.close();
      await crashAfter(1);
      const after = await open({ knownTransactions: () => 2, repeatable: () => repeatable });
      after.app.post('/pay', async (_req, res) => {
        await work('again 0');
        await work('again 1');
        res.end();
      });
      after.performer.start();
      const deferral = await after.ended(id);
      if (repeatable) expect(deferral).toMatchObject({ status: 'Succeeded', attempts: 2 });
      else {
        expect(deferral).toMatchObject({
          phase: 'parked',
          error: { code: 'interrupted-between-transactions' },
        });
      }
      await after.close();
    }
    expect(await effects()).toEqual(['again 0', 'again 1', 'pay 0', 'pay 0']);
  });

  it('teaches how many transactions its route takes, tries that were rolled back left out', async () => {
    const learned: number[] = [];
    const shop = await open({ learnTransactions: (_deferral, count) => void learned.push(count) });
    shop.app.post('/one', async (_req, res) => {
      await work('failed', () => Promise.reject(new Error('serialization'))).catch(() => {});
      await work('one');
      res.end();
    });
    shop.app.post('/two', async (_req, res) => {
      await work('two 0');
      await work('two 1');
      res.end();
    });
    shop.app.post('/none', (_req, res) => void res.end());
    const ids = [await shop.accept('/one'), await shop.accept('/two'), await shop.accept('/none')];
    shop.performer.start();
    for (const { id } of ids) expect((await shop.ended(id)).status).toBe('Succeeded');
    await shop.until(() => learned.length === 2);
    expect(learned.toSorted()).toEqual([1, 2]);
    expect(await effects()).toEqual(['one', 'two 0', 'two 1']);
  });

  it('counts as done where its work was committed and its route then failed', async () => {
    const shop = await open();
    let attempts = 0;
    shop.app.post('/pay', async (_req, res) => {
      attempts += 1;
      await work('paid');
      res.status(500).send('the mail server is down');
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: false });
    expect([attempts, await effects()]).toEqual([1, ['paid']]);
  });

  it('is parked where one of two transactions was committed and the other failed, also at the first sight', async () => {
    const shop = await open();
    shop.app.post('/pay', async () => {
      await work('first');
      await work('second', () => Promise.reject(new Error('constraint')));
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({
      phase: 'parked',
      error: { code: 'interrupted-between-transactions' },
    });
    expect(await effects()).toEqual(['first']);
  });

  it('is tried again where its transaction was rolled back', async () => {
    const shop = await open();
    let failures = 2;
    shop.app.post('/pay', async (_req, res) => {
      await work('paid', async () => {
        if (failures-- > 0) throw new Error('deadlock');
      });
      res.end();
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 3 });
    expect(await effects()).toEqual(['paid']);
  });

  it('is done once although a stalled attempt wakes up after the next one did it (B-49)', async () => {
    const shop = await open({ options: { attemptTimeoutMs: 20_000 } });
    const wake = signal();
    const stalled = signal<unknown>();
    const reached = signal();
    let attempts = 0;
    shop.app.post('/pay', async (_req, res) => {
      attempts += 1;
      if (attempts === 1) {
        reached.tell();
        await wake.happened;
        await work('stalled').then(() => stalled.tell('done'), stalled.tell);
      } else {
        await work('paid');
        res.end();
      }
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await reached.happened;
    here.clock.advance(20_000);
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 2 });
    wake.tell();
    expect(await stalled.happened).toMatchObject({ code: 'already-performed' });
    expect(await effects()).toEqual(['paid']);
  });

  it('that failed for good stays undone, for a tombstone shuts out the stalled attempt', async () => {
    const shop = await open({ options: { attemptTimeoutMs: 20_000, maxAttempts: 1 } });
    const wake = signal();
    const stalled = signal<unknown>();
    const reached = signal();
    shop.app.post('/pay', async () => {
      reached.tell();
      await wake.happened;
      await work('stalled').then(() => stalled.tell('done'), stalled.tell);
    });
    const deferral = await shop.accept('/pay');
    shop.performer.start();
    await reached.happened;
    here.clock.advance(20_000);
    expect(await shop.ended(deferral.id)).toMatchObject({
      status: 'Failed',
      error: { code: 'attempts-exhausted' },
    });
    expect(await completions.find(deferral.completionKey)).toEqual([{ ordinal: 0, tombstone: true }]);
    wake.tell();
    expect(await stalled.happened).toMatchObject({ code: 'already-performed' });
    expect(await effects()).toEqual([]);
  });

  it('succeeds where the stalled attempt is the one that did it, whatever the next one answers', async () => {
    const shop = await open({ options: { attemptTimeoutMs: 20_000 } });
    const wake = signal();
    const reached = signal();
    let attempts = 0;
    shop.app.post('/pay', async (_req, res) => {
      attempts += 1;
      if (attempts === 1) {
        reached.tell();
        await wake.happened;
        await work('stalled');
        return;
      }
      wake.tell();
      while ((await effects()).length === 0) await new Promise(setImmediate);
      // A handler that swallows the refusal, and claims to have done it.
      await work('again').catch(() => {});
      res.status(200).send('a lie');
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await reached.happened;
    here.clock.advance(20_000);
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: false, attempts: 2 });
    expect(await effects()).toEqual(['stalled']);
  });

  it('that was shut out by a process that said no more is settled as failed, not performed', async () => {
    const shop = await open();
    let performed = 0;
    shop.app.post('/pay', (_req, res) => {
      performed += 1;
      res.end();
    });
    const { id, completionKey } = await shop.accept('/pay');
    expect(await completions.shutOut(completionKey)).toBe('shut-out');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({ status: 'Failed', error: { code: 'outcome-lost' } });
    expect(performed).toBe(0);
  });

  it('can not be canceled any more where a stalled attempt has done it', async () => {
    const shop = await open({ random: () => 1, options: { attemptTimeoutMs: 20_000 } });
    const wake = signal();
    const reached = signal();
    shop.app.post('/pay', async () => {
      reached.tell();
      await wake.happened;
      await work('stalled');
    });
    const { id, completionKey } = await shop.accept('/pay');
    shop.performer.start();
    await reached.happened;
    here.clock.advance(20_000);
    await shop.until(async () => (await shop.find(id)).phase === 'retrying');
    await shop.performer.close();
    wake.tell();
    while ((await effects()).length === 0) await new Promise(setImmediate);
    expect(await shop.performer.cancel(id)).toBe('not-cancelable');
    expect(await completions.find(completionKey)).toEqual([{ ordinal: 0, tombstone: false }]);
    await shop.close();

    const next = await open();
    next.performer.start();
    expect(await next.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: false });
  });

  it('that is canceled after an attempt stays undone, for a tombstone shuts out the stalled attempt', async () => {
    const shop = await open({ random: () => 1, options: { attemptTimeoutMs: 20_000 } });
    const wake = signal();
    const stalled = signal<unknown>();
    const reached = signal();
    shop.app.post('/pay', async () => {
      reached.tell();
      await wake.happened;
      await work('stalled').then(() => stalled.tell('done'), stalled.tell);
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await reached.happened;
    here.clock.advance(20_000);
    await shop.until(async () => (await shop.find(id)).phase === 'retrying');
    await shop.performer.close();
    expect(await shop.performer.cancel(id)).toBe('canceled');
    expect(await shop.find(id)).toMatchObject({ status: 'Canceled', attempts: 1 });
    expect(await shop.performer.cancel(id)).toBe('canceled');
    expect(await shop.engine.queue.backlog()).toEqual([]);
    wake.tell();
    expect(await stalled.happened).toMatchObject({ code: 'already-performed' });
    expect(await effects()).toEqual([]);
  });

  it('that was shut out by a cancellation which a crash cut off is never performed again', async () => {
    const shop = await open({ random: () => 1 });
    let attempts = 0;
    shop.app.post('/pay', async (_req, res) => {
      attempts += 1;
      if (attempts > 1) await work('again');
      res.status(503).end();
    });
    const { id, completionKey } = await shop.accept('/pay');
    shop.performer.start();
    await shop.until(async () => (await shop.find(id)).phase === 'retrying');
    // What a cancellation does first; then its process is gone.
    await completions.shutOut(completionKey);
    expect(await shop.ended(id)).toMatchObject({ status: 'Failed', error: { code: 'outcome-lost' } });
    expect(await effects()).toEqual([]);
  });

  it('is parked where its route begins and commits in one string', async () => {
    const shop = await open();
    shop.app.post('/pay', async (_req, res) => {
      await pool.query("BEGIN; INSERT INTO effects (what) VALUES ('unseen'); COMMIT");
      res.end();
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    expect(await shop.ended(id)).toMatchObject({
      phase: 'parked',
      error: { code: 'transaction-in-one-string' },
    });
    expect(await effects()).toEqual([]);
  });

  it('waits, without an attempt, while the database can not be asked or nobody observes its partition', async () => {
    let isObserved = false;
    const shop = await open({ completionsOf: () => (isObserved ? completions : undefined) });
    shop.app.post('/pay', async (_req, res) => {
      await work('paid');
      res.end();
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await shop.until(async () => (await shop.find(id)).postponements >= 1);
    await postgres.kill();
    isObserved = true;
    const before = (await shop.find(id)).postponements;
    await shop.until(async () => (await shop.find(id)).postponements >= before + 2);
    expect(shop.events).toContainEqual(expect.objectContaining({ reasons: ['database-unreachable'] }));
    await postgres.restart();
    expect(await shop.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 1 });
    expect(await effects()).toEqual(['paid']);
  });

  it('is told to its admission when its handler begins to write, and when it has ended', async () => {
    const shop = await open();
    const told: string[] = [];
    shop.admission.answer = () => ({
      admitted: true,
      reasons: ['probe'],
      wrote: (partition) => told.push(`wrote ${partition}`),
      finished: () => told.push('finished'),
    });
    shop.app.post('/pay', async (_req, res) => {
      await work('paid');
      res.end();
    });
    const { id } = await shop.accept('/pay');
    shop.performer.start();
    await shop.ended(id);
    await shop.until(() => told.length === 2);
    expect(told).toEqual(['wrote orders', 'finished']);
  });
});

doneOnceContract('pg', async () => {
  const schemas = ['shapes_first', 'shapes_second'].map((schema) => {
    const made = () => {
      const one = new pg.Pool({
        connectionString: postgres.connectionString,
        options: `-c search_path=${schema}`,
        max: 5,
      });
      one.on('error', () => {});
      ends.push(() => one.end());
      return one;
    };
    const asking = made();
    const observedPool = made();
    observe(observedPool, { partition: schema, ensure: true });
    return { schema, asking, pool: observedPool };
  });
  const [first, second] = schemas;
  if (first === undefined || second === undefined) throw new Error('no databases');
  for (const { schema, asking } of schemas) {
    await asking.query(`CREATE SCHEMA ${schema}; CREATE TABLE effects (what text NOT NULL)`);
  }
  return {
    completions: completionsOf(first.schema),
    async client(of = 'first') {
      const client = await { first: first.pool, second: second.pool, unobserved: first.asking }[of].connect();
      return { run: (sql) => client.query(sql), done: () => client.release() };
    },
    async effects() {
      const { rows } = await first.asking.query('SELECT what FROM effects ORDER BY what');
      return rows.map(({ what }) => String(what));
    },
    async clear() {
      for (const { asking } of schemas) await asking.query('TRUNCATE effects');
    },
    ask: (sql) => first.asking.query(sql),
  };
});
