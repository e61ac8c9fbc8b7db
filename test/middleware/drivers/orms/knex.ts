import { observe } from '@slackwater/middleware/pg';
import knex from 'knex';
import pg from 'pg';
import { type Orm, TakenBack, takenBack } from './orm.ts';

/** Knex makes its own pool of pg's clients. */
export const onKnex: Orm = {
  name: 'Knex',
  async start({ address, partition, max }) {
    const observed = observe(pg, { partition, ensure: true });
    const db = knex({ client: 'pg', connection: address, pool: { min: 0, max } });
    return {
      insert: async (reference) => await db('orders').insert({ reference }),
      count: async (reference) => (await db('orders').where({ reference })).length,
      transaction: (references, before) =>
        db.transaction(async (trx) => {
          for (const reference of references) await trx('orders').insert({ reference });
          await before?.();
        }),
      readingTransaction: () => db.transaction(async (trx) => trx('orders').first()),
      nested: (outer, kept, rolledBack) =>
        db.transaction(async (trx) => {
          await trx('orders').insert({ reference: outer });
          await trx.transaction(async (inner) => inner('orders').insert({ reference: kept }));
          await takenBack(() =>
            trx.transaction(async (inner) => {
              await inner('orders').insert({ reference: rolledBack });
              throw new TakenBack();
            }),
          );
        }),
      async close() {
        await db.destroy();
        observed.stop();
      },
    };
  },
};
