import { observe } from '@slackwater/middleware/pg';
import pg from 'pg';
import { DataTypes, Sequelize } from 'sequelize';
import { type Orm, TakenBack, takenBack } from './orm.ts';

/** Sequelize makes its own pool of the clients of the pg that it is given. */
export const onSequelize: Orm = {
  name: 'Sequelize',
  async start({ address: { user, ...address }, partition, max }) {
    const observed = observe(pg, { partition, ensure: true });
    const db = new Sequelize({
      ...address,
      username: user,
      dialect: 'postgres',
      dialectModule: pg,
      logging: false,
      pool: { min: 0, max },
    });
    const Order = db.define(
      'Order',
      {
        id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
        reference: { type: DataTypes.TEXT, allowNull: false },
      },
      { tableName: 'orders', timestamps: false },
    );
    return {
      insert: (reference) => Order.create({ reference }),
      count: (reference) => Order.count({ where: { reference } }),
      transaction: (references, before) =>
        db.transaction(async (transaction) => {
          for (const reference of references) await Order.create({ reference }, { transaction });
          await before?.();
        }),
      readingTransaction: () => db.transaction((transaction) => Order.findOne({ transaction })),
      nested: (outer, kept, rolledBack) =>
        db.transaction(async (transaction) => {
          await Order.create({ reference: outer }, { transaction });
          await db.transaction({ transaction }, (inner) =>
            Order.create({ reference: kept }, { transaction: inner }),
          );
          await takenBack(() =>
            db.transaction({ transaction }, async (inner) => {
              await Order.create({ reference: rolledBack }, { transaction: inner });
              throw new TakenBack();
            }),
          );
        }),
      async close() {
        await db.close();
        observed.stop();
      },
    };
  },
};
