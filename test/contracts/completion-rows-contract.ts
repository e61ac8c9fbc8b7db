import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Completions } from '../../packages/middleware/src/drivers/driver.ts';
import { requestContext } from '../../packages/middleware/src/request-context.ts';
import { contextOf } from '../middleware/drivers/commits.ts';

/** A client of the application's, as a handler has it. */
export interface HandlersClient {
  /** Runs a text as a handler would, on an observed connection. */
  run(sql: string): Promise<unknown>;
  /** Gives it back. */
  done(): void;
}

/** A database with an empty table `work (note)` and no completion table, observed with `ensure: true`. */
export interface ObservedDatabase {
  readonly completions: Completions;
  /** A connection of its own for whoever asks. */
  client(): Promise<HandlersClient>;
  prune(olderThanMs: number): Promise<number>;
  /** Observes it a second time, by other connections; resolves with their completion rows. */
  observedAgain(ensure: boolean): Promise<Completions>;
  /** Runs one statement on a connection that nobody observes. */
  ask(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** A driver, and what its database's SQL is like. */
export interface CompletionDriver {
  /** What opens a second and a third database as well: each name is another one. */
  open(name: string): Promise<ObservedDatabase>;
  close(): Promise<void>;
  /** Begins a transaction that only reads; undefined where there is none. */
  readonly beginReading?: string;
  /** Statements that can't share a transaction with a row, by `code`. */
  readonly refused: readonly (readonly [code: string, sql: string])[];
  /** Makes a row of `slackwater_completions` look as old as an hour. */
  readonly age: (key: string) => string;
  /** Tables by this name that are none of ours, and what is said of each. */
  readonly notOurs: readonly (readonly [said: RegExp, ...sql: string[]])[];
  /** The heading in docs/completion-rows.md below which its migration stands. */
  readonly heading: string;
}

const write = "INSERT INTO work (note) VALUES ('x')";
const refusedAsDone = { code: 'already-performed', status: 409 };

/** The suite that every driver must pass whose transactions carry completion rows. */
export function completionRowsContract(name: string, driver: CompletionDriver): void {
  describe(`completion rows: ${name}`, () => {
    let database: ObservedDatabase;
    let count = 0;
    let key: string;

    beforeAll(async () => {
      database = await driver.open('first');
    });
    afterAll(() => driver.close());
    beforeEach(async () => {
      key = `key ${++count}`;
      await database.ask('DELETE FROM work');
    });

    const done = async (of = database) => (await of.ask('SELECT note FROM work')).length;
    const ordinals = async (of = key) =>
      (await database.completions.find(of)).map(({ ordinal, tombstone }) =>
        tombstone ? 'tombstone' : ordinal,
      );

    /** One attempt: what a handler does for a request that is to be done once. */
    async function attempt<T>(
      work: (client: HandlersClient) => Promise<T>,
      context = contextOf({ key }),
    ): Promise<T> {
      return requestContext.run(context, async () => {
        const client = await database.client();
        try {
          return await work(client);
        } finally {
          client.done();
        }
      });
    }
    const statements =
      (...texts: string[]) =>
      async (client: HandlersClient) => {
        for (const sql of texts) await client.run(sql);
      };
    const transaction = statements('BEGIN', write, 'COMMIT');

    it('are ready once their table is, which is created where that was allowed, by several at once', async () => {
      const others = await Promise.all([1, 2, 3].map(() => database.observedAgain(true)));
      await Promise.all([...others, database.completions].map((rows) => rows.ready()));
    });

    it('come with each transaction of a handler, by ordinal', async () => {
      const context = contextOf({ key });
      await attempt(async (client) => {
        await transaction(client);
        await transaction(client);
      }, context);
      expect(await ordinals()).toEqual([0, 1]);
      expect(context.written).toHaveLength(2);
      expect(await done()).toBe(2);
    });

    it('refuse a second attempt at its BEGIN with 409, and leave it the connection', async () => {
      await attempt(transaction);
      const context = contextOf({ key });
      await attempt(async (client) => {
        await expect(client.run('BEGIN')).rejects.toMatchObject(refusedAsDone);
        await client.run('SELECT note FROM work');
      }, context);
      expect(context.completion?.duplicate).toBe(true);
      expect(await done()).toBe(1);
    });

    it('let one of two attempts at once through', async () => {
      const ends = await Promise.allSettled([attempt(transaction), attempt(transaction)]);
      expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect(await done()).toBe(1);
    });

    it('go with a transaction that is rolled back, and the next one gets its ordinal', async () => {
      await attempt(statements('BEGIN', write, 'ROLLBACK', 'BEGIN', write, 'COMMIT'));
      expect(await ordinals()).toEqual([0]);
      expect(await done()).toBe(1);
    });

    it('outlive the rolling back to savepoints, also of nested ones', async () => {
      await attempt(
        statements(
          ...['BEGIN', 'SAVEPOINT a', write, 'SAVEPOINT b', write],
          ...['ROLLBACK TO SAVEPOINT b', 'ROLLBACK TO SAVEPOINT a', write],
          ...['RELEASE SAVEPOINT a', 'COMMIT'],
        ),
      );
      expect(await ordinals()).toEqual([0]);
      expect(await done()).toBe(1);
      await expect(attempt(transaction)).rejects.toMatchObject(refusedAsDone);
    });

    it('come with each write outside a transaction', async () => {
      const context = contextOf({ key });
      await attempt(statements(write, write), context);
      expect(await ordinals()).toEqual([0, 1]);
      expect(context.written).toHaveLength(2);
      await expect(attempt(statements(write))).rejects.toMatchObject(refusedAsDone);
      expect(await done()).toBe(2);
    });

    it('are not left by a write outside a transaction that fails, whose caller gets its own error', async () => {
      await attempt(async (client) => {
        await expect(client.run("INSERT INTO nowhere (note) VALUES ('x')")).rejects.toThrow(/nowhere/);
        await client.run(write);
      });
      expect(await ordinals()).toEqual([0]);
    });

    it('are one for several writes in one string, which are done together or not at all', async () => {
      await attempt(statements(`${write}; ${write}`));
      expect(await ordinals()).toEqual([0]);
      expect(await done()).toBe(2);
      key = `key ${++count}`;
      const failing = attempt(statements(`${write}; INSERT INTO nowhere (note) VALUES ('x')`));
      await expect(failing).rejects.toThrow(/nowhere/);
      expect([await ordinals(), await done()]).toEqual([[], 2]);
    });

    const refused: readonly (readonly [string, string])[] = [
      ['transaction-in-one-string', `BEGIN; ${write}; COMMIT`],
      ...driver.refused,
    ];
    it.each(refused)('can not go with everything: %s for %s', async (code, sql) => {
      await expect(attempt(statements(sql))).rejects.toMatchObject({ code });
      expect([await ordinals(), await done()]).toEqual([[], 0]);
    });

    it('stay away from reading', async () => {
      const context = contextOf({ key });
      await attempt(statements('SELECT note FROM work'), context);
      const { beginReading } = driver;
      if (beginReading !== undefined) {
        await attempt(statements(beginReading, 'SELECT note FROM work', 'COMMIT'), context);
      }
      expect([await ordinals(), context.written]).toEqual([[], []]);
    });

    it('are of one attempt also where it has several databases: each knows its own', async () => {
      const second = await driver.open('second');
      const context = contextOf({ key });
      const both = () =>
        attempt(async (client) => {
          await transaction(client);
          const other = await second.client();
          await transaction(other).finally(() => other.done());
        }, context);
      await both();
      expect(await ordinals()).toEqual([0]);
      expect(await second.completions.find(key)).toEqual([{ ordinal: 1, tombstone: false }]);
      await expect(attempt(transaction)).rejects.toMatchObject(refusedAsDone);
      expect([await done(), await done(second)]).toEqual([1, 1]);
    });

    it('tell keys apart that differ in case, in a space behind, in signs or far behind', async () => {
      const keys = [
        'Key',
        'key',
        'key ',
        "k'ey",
        'k\\ey',
        'k"ey`',
        'kéy',
        'key'.padEnd(400, '.'),
        'key'.padEnd(401, '.'),
      ];
      for (const one of keys) {
        await attempt(transaction, contextOf({ key: one }));
        expect(await ordinals(one)).toEqual([0]);
      }
      expect(await done()).toBe(keys.length);
    });

    it('shut out every later transaction of a key, and say so again when asked again', async () => {
      expect(await database.completions.shutOut(key)).toBe('shut-out');
      expect(await database.completions.shutOut(key)).toBe('shut-out');
      expect(await ordinals()).toEqual(['tombstone']);
      await expect(attempt(transaction)).rejects.toMatchObject(refusedAsDone);
      await expect(attempt(statements(write))).rejects.toMatchObject(refusedAsDone);
      // A handler that swallows the refusal, and goes on.
      const goesOn = attempt(async (client) => {
        await client.run('BEGIN').catch(() => {});
        await client.run(write);
      });
      await expect(goesOn).rejects.toMatchObject(refusedAsDone);
      expect(await done()).toBe(0);
    });

    it('do not shut out what was completed', async () => {
      await attempt(transaction);
      expect(await database.completions.shutOut(key)).toBe('completed');
      expect(await ordinals()).toEqual([0]);
    });

    it.each(['COMMIT', 'ROLLBACK'])(
      'wait for a stalled transaction that has its row, and go by its %s',
      async (end) => {
        const answer = await attempt(async (client) => {
          await client.run('BEGIN');
          await client.run(write);
          const shutOut = database.completions.shutOut(key);
          let isAnswered = false;
          void shutOut.finally(() => {
            isAnswered = true;
          });
          await new Promise((resolve) => setTimeout(resolve, 50));
          expect(isAnswered).toBe(false);
          await client.run(end);
          return shutOut;
        });
        expect(answer).toBe(end === 'COMMIT' ? 'completed' : 'shut-out');
        expect(await done()).toBe(end === 'COMMIT' ? 1 : 0);
      },
    );

    it('are out of reach of a transaction whose attempt rolled back before it was shut out', async () => {
      const late = attempt(async (client) => {
        await client.run('BEGIN');
        await client.run('ROLLBACK');
        expect(await database.completions.shutOut(key)).toBe('shut-out');
        await transaction(client);
      });
      await expect(late).rejects.toMatchObject(refusedAsDone);
      expect(await done()).toBe(0);
    });

    it('go when they are old', async () => {
      await attempt(transaction);
      await database.ask(driver.age(key));
      const young = `key ${++count}`;
      await attempt(transaction, contextOf({ key: young }));
      expect(await database.prune(60_000)).toBe(1);
      expect([await ordinals(), await ordinals(young)]).toEqual([[], [0]]);
    });

    it('are asked for where no table is yet: it is created with the first question', async () => {
      const fresh = await driver.open('asked first');
      expect(await fresh.completions.find(key)).toEqual([]);
      const other = await driver.open('shut out first');
      expect(await other.completions.shutOut(key)).toBe('shut-out');
    });

    it('are not ready without their table, or with one that is none of ours, and are once the migration was run', async () => {
      const bare = await driver.open('bare');
      const completions = await bare.observedAgain(false);
      const missing = { code: 'completion-table-missing' };
      await expect(completions.ready()).rejects.toMatchObject(missing);
      await expect(completions.find(key)).rejects.toMatchObject(missing);
      await expect(completions.shutOut(key)).rejects.toMatchObject(missing);
      for (const [said, ...sql] of driver.notOurs) {
        for (const one of sql) await bare.ask(one);
        await expect(completions.ready()).rejects.toMatchObject({
          ...missing,
          message: expect.stringMatching(said),
        });
        await bare.ask('DROP TABLE slackwater_completions');
      }
      await bare.ask(migrationBelow(driver.heading));
      await completions.ready();
    });
  });
}

/** The statement that creates the table, as the documentation has it. */
function migrationBelow(heading: string): string {
  const text = readFileSync(new URL('../../docs/completion-rows.md', import.meta.url), 'utf8');
  const below = text.slice(text.indexOf(`### ${heading}\n`));
  const [created] = /CREATE TABLE [^;]*/.exec(below) ?? [];
  if (created === undefined) throw new Error(`docs/completion-rows.md has no migration below ${heading}.`);
  return created;
}
