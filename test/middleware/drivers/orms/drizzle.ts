import { observe } from '@slackwater/middleware/pg';
import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { bigserial, pgTable, text } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { type Orm, TakenBack, takenBack } from './orm.ts';

const orders = pgTable('orders', {
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  reference: text('reference').notNull(),
});

/** Drizzle is given a pool, which it knows by the name of its class. */
export const onDrizzle: Orm = {
  name: 'Drizzle',
  async start({ address, partition, max }) {
    const pool = new pg.Pool({ ...address, max });
    observe(pool, { partition, ensure: true });
    const db = drizzle({ client: pool });
    return {
      insert: async (reference) => await db.insert(orders).values({ reference }),
      count: async (reference) =>
        (await db.select().from(orders).where(eq(orders.reference, reference))).length,
      transaction: (references, before) =>
        db.transaction(async (tx) => {
          for (const reference of references) await tx.insert(orders).values({ reference });
          await before?.();
        }),
      readingTransaction: () => db.transaction((tx) => tx.select().from(orders).limit(1)),
      nested: (outer, kept, rolledBack) =>
        db.transaction(async (tx) => {
          await tx.insert(orders).values({ reference: outer });
          await tx.transaction((inner) => inner.insert(orders).values({ reference: kept }));
          await takenBack(() =>
            tx.transaction(async (inner) => {
              await inner.insert(orders).values({ reference: rolledBack });
              throw new TakenBack();
            }),
          );
        }),
      close: () => pool.end(),
    };
  },
};
