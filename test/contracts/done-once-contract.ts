import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Completions } from '../../packages/middleware/src/drivers/driver.ts';
import type { Deferral } from '../../packages/middleware/src/ledger/deferral.ts';
import type { PerformerSetup } from '../../packages/middleware/src/perform/performer.ts';
import { requestContext } from '../../packages/middleware/src/request-context.ts';
import { contextOf } from '../middleware/drivers/commits.ts';
import { signal } from '../middleware/perform/signal.ts';
import { type Place, place } from '../middleware/perform/workshop.ts';

/** A handler's client: a connection of its own, observed unless it is said otherwise. */
export interface ShapeClient {
  run(sql: string): Promise<unknown>;
  done(): void;
}

/** Two databases with an empty table `effects (what)` each, and what a handler does with them. */
export interface ShapesUnderTest {
  readonly completions: Completions;
  client(of?: 'first' | 'second' | 'unobserved'): Promise<ShapeClient>;
  /** What was written to the first database. */
  effects(): Promise<readonly string[]>;
  /** Empties the tables. */
  clear(): Promise<void>;
  /** Runs one statement on the first database, unobserved. */
  ask(sql: string): Promise<unknown>;
}

/** The suite that deferrals must pass on every driver with completion rows, whatever shape their handlers have. */
export function doneOnceContract(name: string, open: () => Promise<ShapesUnderTest>): void {
  describe(`deferrals of handlers of every shape: ${name}`, () => {
    let under: ShapesUnderTest;
    let here: Place;

    beforeAll(async () => {
      under = await open();
      await under.completions.ready();
    });
    beforeEach(async () => {
      await under.clear();
      here = place(Date.now());
    });
    afterEach(() => here.remove());

    const shop = (setup: Partial<PerformerSetup> = {}) =>
      here.open({ completionsOf: () => under.completions, ...setup });
    const insert = (what: string) => `INSERT INTO effects (what) VALUES ('${what}')`;
    async function onClient<T>(
      work: (client: ShapeClient) => Promise<T>,
      of?: Parameters<ShapesUnderTest['client']>[0],
    ): Promise<T> {
      const client = await under.client(of);
      try {
        return await work(client);
      } finally {
        client.done();
      }
    }
    const transaction = (what: string, of?: Parameters<ShapesUnderTest['client']>[0]) =>
      onClient(async (client) => {
        await client.run('BEGIN');
        await client.run(insert(what));
        await client.run('COMMIT');
      }, of);
    const write = (what: string) => onClient((client) => client.run(insert(what)));
    /** What is left of an attempt whose process was killed after that. */
    const cutOff = ({ completionKey }: Deferral, work: () => Promise<unknown>) =>
      requestContext.run(contextOf({ key: completionKey }), work);

    it.each([
      ['a transaction', () => transaction('before')],
      ['a write outside a transaction', () => write('before')],
    ])(
      'are settled as done where the process died after %s, unless there is more to it',
      async (_shape, did) => {
        for (const [knownTransactions, repeatable, ends] of [
          [1, false, { status: 'Succeeded', outcomeKnown: false }],
          [2, false, { phase: 'parked', error: { code: 'interrupted-between-transactions' } }],
          [2, true, { status: 'Succeeded', outcomeKnown: true }],
        ] as const) {
          const at = await shop({ knownTransactions: () => knownTransactions, repeatable: () => repeatable });
          at.app.post('/pay', async (_req, res) => {
            await transaction('after');
            await write('after');
            res.end();
          });
          const deferral = await at.accept('/pay');
          await cutOff(deferral, did);
          at.performer.start();
          expect(await at.ended(deferral.id)).toMatchObject(ends);
          await at.close();
        }
        expect(await under.effects()).toEqual(['after', 'after', 'before', 'before', 'before']);
      },
    );

    it('teach how many transactions there were, in whichever databases, and which routes had none', async () => {
      const learned: [string, number][] = [];
      const unwitnessed: string[] = [];
      const at = await shop({
        learnTransactions: ({ route }, count) => void learned.push([route, count]),
        unwitnessed: ({ route }) => void unwitnessed.push(route),
      });
      at.app.post('/savepoints', async (_req, res) => {
        await onClient(async (client) => {
          for (const sql of ['BEGIN', 'SAVEPOINT a', insert('taken back'), 'SAVEPOINT b'])
            await client.run(sql);
          for (const sql of ['ROLLBACK TO SAVEPOINT a', insert('kept'), 'COMMIT']) await client.run(sql);
        });
        res.end();
      });
      at.app.post('/both', async (_req, res) => {
        await transaction('first');
        await transaction('second', 'second');
        res.end();
      });
      at.app.post('/nothing', (_req, res) => void res.end());
      at.app.post('/unobserved', async (_req, res) => {
        await transaction('unobserved', 'unobserved');
        res.end();
      });
      const routes = ['/savepoints', '/both', '/nothing', '/unobserved'];
      at.performer.start();
      for (const route of routes) {
        const { id } = await at.accept(route);
        expect((await at.ended(id)).status).toBe('Succeeded');
      }
      await at.until(() => learned.length === 2 && unwitnessed.length === 2);
      expect(learned).toEqual([
        ['/savepoints', 1],
        ['/both', 2],
      ]);
      expect(unwitnessed).toEqual(['/nothing', '/unobserved']);
      expect(await under.effects()).toEqual(['first', 'kept', 'unobserved']);
    });

    it('are parked where an attempt that was cut off had committed in another database alone', async () => {
      const at = await shop({ repeatable: () => true, knownTransactions: () => 2 });
      at.app.post('/both', async (_req, res) => {
        await transaction('second', 'second');
        await transaction('first');
        res.end();
      });
      const deferral = await at.accept('/both');
      await cutOff(deferral, () => transaction('second', 'second'));
      at.performer.start();
      expect(await at.ended(deferral.id)).toMatchObject({
        phase: 'parked',
        error: { code: 'interrupted-between-transactions' },
      });
      expect(await under.effects()).toEqual([]);
    });

    it.each([
      ['lets the refusal through', (error: unknown) => Promise.reject(error)],
      ['hides the refusal in an error of its own', () => Promise.reject(new Error('no luck'))],
      ['swallows the refusal, and claims that it is done', () => Promise.resolve()],
    ])(
      'are parked, with nothing done, where a whole transaction is one string and the route %s',
      async (_how, told) => {
        const at = await shop();
        at.app.post('/pay', async (_req, res) => {
          await onClient((client) => client.run(`BEGIN; ${insert('unseen')}; COMMIT`)).catch(told);
          res.end();
        });
        const { id } = await at.accept('/pay');
        at.performer.start();
        expect(await at.ended(id)).toMatchObject({
          phase: 'parked',
          error: { code: 'transaction-in-one-string' },
        });
        expect(await under.effects()).toEqual([]);
      },
    );

    it('are done where the route tries another way after a refusal', async () => {
      const at = await shop();
      at.app.post('/pay', async (_req, res) => {
        const whole = `BEGIN; ${insert('unseen')}; COMMIT`;
        await onClient((client) => client.run(whole)).catch(() => transaction('another way'));
        res.end();
      });
      const { id } = await at.accept('/pay');
      at.performer.start();
      expect(await at.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: true });
      expect(await under.effects()).toEqual(['another way']);
    });

    it.each([
      ['in a transaction', transaction],
      ['outside of one', write],
    ])(
      'that failed for good stay undone though a stalled attempt wakes up and writes %s',
      async (_where, work) => {
        const at = await shop({ options: { attemptTimeoutMs: 20_000, maxAttempts: 1 } });
        const wake = signal();
        const woke = signal<unknown>();
        const reached = signal();
        at.app.post('/pay', async () => {
          reached.tell();
          await wake.happened;
          await work('stalled').then(() => woke.tell('done'), woke.tell);
        });
        const { id } = await at.accept('/pay');
        at.performer.start();
        await reached.happened;
        here.clock.advance(20_000);
        expect(await at.ended(id)).toMatchObject({ status: 'Failed', error: { code: 'attempts-exhausted' } });
        wake.tell();
        expect(await woke.happened).toMatchObject({ code: 'already-performed' });
        expect(await under.effects()).toEqual([]);
      },
    );

    it.each(['COMMIT', 'ROLLBACK'])(
      'are not believed while a transaction is left open, which then ends with %s',
      async (end) => {
        const at = await shop({ random: () => 1 });
        const open: ShapeClient[] = [];
        at.app.post('/leak', async (_req, res) => {
          const client = await under.client();
          await client.run('BEGIN');
          await client.run(insert(`attempt ${open.push(client)}`));
          if (open.length > 1) await client.run('COMMIT');
          res.end();
        });
        const { id } = await at.accept('/leak');
        at.performer.start();
        await at.until(async () => (await at.find(id)).phase === 'retrying');
        expect(await at.find(id)).toMatchObject({ error: { code: 'transaction-left-open' } });
        await open[0]?.run(end);
        expect(await at.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: end === 'ROLLBACK' });
        for (const client of open) client.done();
        expect(await under.effects()).toEqual([end === 'COMMIT' ? 'attempt 1' : 'attempt 2']);
      },
    );

    it('are believed where the answer came just before the COMMIT was done', async () => {
      const at = await shop();
      at.app.post('/early', async (_req, res) => {
        const client = await under.client();
        await client.run('BEGIN');
        await client.run(insert('early'));
        res.status(201).end();
        await new Promise(setImmediate);
        await client.run('COMMIT');
        client.done();
      });
      const { id } = await at.accept('/early');
      at.performer.start();
      expect(await at.ended(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: true, attempts: 1 });
      expect(await under.effects()).toEqual(['early']);
    });

    it('wait, without an attempt and with the reason, while the completion table is gone', async () => {
      const at = await shop();
      at.app.post('/pay', async (_req, res) => {
        await transaction('paid');
        res.end();
      });
      const { id } = await at.accept('/pay');
      await under.ask('ALTER TABLE slackwater_completions RENAME TO put_away');
      at.performer.start();
      await at.until(async () => (await at.find(id)).postponements >= 1);
      expect(at.events).toContainEqual(expect.objectContaining({ reasons: ['completion-table-missing'] }));
      await under.ask('ALTER TABLE put_away RENAME TO slackwater_completions');
      expect(await at.ended(id)).toMatchObject({ status: 'Succeeded', attempts: 1 });
      expect(await under.effects()).toEqual(['paid']);
    });
  });
}
