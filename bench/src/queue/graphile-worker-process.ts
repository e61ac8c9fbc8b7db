import { EventEmitter } from 'node:events';
import { Logger, makeWorkerUtils, run, runMigrations, type WorkerEvents } from 'graphile-worker';
import pg from 'pg';
import { answerCalls } from '../child.ts';
import { payload, type QueueProcess } from './contender.ts';
import type { PostgresPlace } from './place.ts';
import { ratesOf } from './rates-of.ts';

const identifier = 'order';
const logger = new Logger(() => () => {});

await answerCalls<QueueProcess>(async ({ connectionString, connections }: PostgresPlace) => {
  const pgPool = new pg.Pool({ connectionString, max: connections });
  pgPool.on('error', () => {});
  pgPool.on('connect', (client) => client.on('error', () => {}));
  await runMigrations({ pgPool, logger });
  const utils = await makeWorkerUtils({ pgPool, logger });
  return ratesOf({
    add: () => utils.addJob(identifier, payload),
    addMany: (count) => utils.addJobs(Array.from({ length: count }, () => ({ identifier, payload }))),
    async perform(job) {
      const runner = await run({
        pgPool,
        logger,
        noHandleSignals: true,
        // As its page on performance has it.
        preset: {
          worker: {
            concurrentJobs: 24,
            localQueue: { size: 500 },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
          },
        },
        taskList: { [identifier]: (given) => job(given) },
        events: new EventEmitter() as WorkerEvents,
      });
      return () => runner.stop();
    },
    async remaining() {
      const { rows } = await pgPool.query('SELECT count(*)::int AS left FROM graphile_worker._private_jobs');
      return Number(rows[0]?.left);
    },
    empty: () => pgPool.query('TRUNCATE graphile_worker._private_jobs'),
  });
});
