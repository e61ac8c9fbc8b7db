import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { answerCalls } from '../child.ts';
import { payload, type QueueProcess } from './contender.ts';
import type { RedisPlace } from './place.ts';
import { ratesOf } from './rates-of.ts';

const name = 'orders';

await answerCalls<QueueProcess>(async ({ port }: RedisPlace) => {
  const connection = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null });
  const queue = new Queue(name, { connection, defaultJobOptions: { removeOnComplete: true } });
  queue.on('error', () => {});
  await queue.waitUntilReady();
  return ratesOf({
    add: () => queue.add('order', payload),
    addMany: (count) =>
      queue.addBulk(Array.from({ length: count }, () => ({ name: 'order', data: payload }))),
    async perform(job) {
      const worker = new Worker(name, async ({ data }) => job(data), { connection, concurrency: 200 });
      worker.on('error', () => {});
      return () => worker.close();
    },
    async remaining() {
      const counts = await queue.getJobCounts('wait', 'active', 'delayed');
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    },
    empty: () => queue.obliterate({ force: true }),
  });
});
