import { observe } from '@slackwater/middleware/pg';
import { type Generated, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Orm } from './orm.ts';

interface Tables {
  readonly orders: { readonly id: Generated<string>; readonly reference: string };
}

/** Kysely is given a pool. */
export const onKysely: Orm = {
  name: 'Kysely',
  async start({ address, partition, max }) {
    const pool = new pg.Pool({ ...address, max });
    observe(pool, { partition, ensure: true });
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
    return {
      insert: (reference) => db.insertInto('orders').values({ reference }).execute(),
      count: async (reference) =>
        (await db.selectFrom('orders').select('id').where('reference', '=', reference).execute()).length,
      transaction: (references, before) =>
        db.transaction().execute(async (trx) => {
          for (const reference of references) await trx.insertInto('orders').values({ reference }).execute();
          await before?.();
        }),
      readingTransaction: () =>
        db.transaction().execute((trx) => trx.selectFrom('orders').select('id').executeTakeFirst()),
      async nested(outer, kept, rolledBack) {
        const trx = await db.startTransaction().execute();
        await trx.insertInto('orders').values({ reference: outer }).execute();
        const first = await trx.savepoint('kept').execute();
        await first.insertInto('orders').values({ reference: kept }).execute();
        await first.releaseSavepoint('kept').execute();
        const second = await trx.savepoint('rolled_back').execute();
        await second.insertInto('orders').values({ reference: rolledBack }).execute();
        await second.rollbackToSavepoint('rolled_back').execute();
        await trx.commit().execute();
      },
      close: () => db.destroy(),
    };
  },
};
