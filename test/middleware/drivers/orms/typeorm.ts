import { observe } from '@slackwater/middleware/pg';
import { DataSource, EntitySchema } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { type Orm, TakenBack, takenBack } from './orm.ts';

interface Order {
  readonly id?: string;
  readonly reference: string;
}

const orders = new EntitySchema<Order>({
  name: 'orders',
  columns: { id: { type: 'bigint', primary: true, generated: true }, reference: { type: 'text' } },
});

/** TypeORM makes a pool of pg's, and shows it. */
export const onTypeorm: Orm = {
  name: 'TypeORM',
  async start({ address: { user, ...address }, partition, max }) {
    const db = new DataSource({
      ...{ type: 'postgres', ...address, username: user, entities: [orders], poolSize: max },
    });
    await db.initialize();
    observe((db.driver as PostgresDriver).master, { partition, ensure: true });
    return {
      insert: (reference) => db.getRepository(orders).insert({ reference }),
      count: (reference) => db.getRepository(orders).countBy({ reference }),
      transaction: (references, before) =>
        db.transaction(async (manager) => {
          for (const reference of references) await manager.getRepository(orders).save({ reference });
          await before?.();
        }),
      readingTransaction: () => db.transaction((manager) => manager.getRepository(orders).count()),
      nested: (outer, kept, rolledBack) =>
        db.transaction(async (manager) => {
          await manager.getRepository(orders).save({ reference: outer });
          await manager.transaction((inner) => inner.getRepository(orders).save({ reference: kept }));
          await takenBack(() =>
            manager.transaction(async (inner) => {
              await inner.getRepository(orders).save({ reference: rolledBack });
              throw new TakenBack();
            }),
          );
        }),
      close: () => db.destroy(),
    };
  },
};
