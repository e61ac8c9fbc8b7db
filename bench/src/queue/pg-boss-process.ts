import { PgBoss } from 'pg-boss';
import { answerCalls } from '../child.ts';
import { payload, type QueueProcess } from './contender.ts';
import type { PostgresPlace } from './place.ts';
import { ratesOf } from './rates-of.ts';

const name = 'orders';

await answerCalls<QueueProcess>(async ({ connectionString, connections }: PostgresPlace) => {
  const boss = new PgBoss({ connectionString, max: connections, schedule: false });
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue(name);
  const data = payload as object;
  return ratesOf({
    add: () => boss.send(name, data),
    addMany: (count) =>
      boss.insert(
        name,
        Array.from({ length: count }, () => ({ data })),
      ),
    async perform(job) {
      const settings = {
        batchSize: 500,
        localConcurrency: 2,
        pollingIntervalSeconds: 0.5,
        burstWhenBatchFull: true,
      };
      await boss.work(name, settings, async (jobs) => {
        for (const each of jobs) job(each.data);
      });
      return () => boss.offWork(name);
    },
    async remaining() {
      const sql = `SELECT count(*)::int AS left FROM pgboss.job WHERE name = $1 AND state < 'completed'`;
      const { rows } = await boss.getDb().executeSql(sql, [name]);
      return Number(rows[0]?.left);
    },
    empty: () => boss.deleteAllJobs(name),
  });
});
