import { setTimeout as sleep } from 'node:timers/promises';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express from 'express';
import pg from 'pg';
import { acceptanceOf } from '../acceptance/accept-all.ts';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';
import { partition as performed } from '../work-types.ts';
import type { QueueProcess } from './contender.ts';
import type { DeferralPlace } from './place.ts';
import { ratesOf } from './rates-of.ts';

const concurrency = 64;
/** Nothing is observed to commit there, so nothing is performed. */
const kept = 'kept';

// That a route without a transaction has no completion row is known here, and is no news.
process.removeAllListeners('warning');

await answerCalls<QueueProcess>(async ({ directory, connectionString }: DeferralPlace) => {
  const pool = new pg.Pool({ connectionString, max: 10 });
  pool.on('error', () => {});
  observe(pool, { partition: performed, ensure: true });
  const gate = slackwater({
    application: 'bench',
    workTypes: { order: { priority: 2, thresholdMs: 500, whenOver: 'defer', repeatable: true } },
    routes: { 'POST /orders': { workType: 'order', partition: performed } },
    requester: (req) => req.get('x-customer'),
    engine: sqliteEngine({ directory }),
    ledger: { engineTimeoutMs: 60_000, maxQueued: 10_000_000 },
    perform: { maxConcurrency: concurrency, maxInFlight: concurrency },
  });
  const app = express();
  app.use(gate);
  app.use(express.json());
  let job: (given: unknown) => void = () => {};
  app.post('/orders', (req, res) => {
    job(req.body);
    res.status(201).json({ id: 1 });
  });
  await listen(app);
  await gate.start();
  await completionTable(pool);
  const ledger = await gate.ledger.open();
  let [partition, waiting] = [kept, 0];
  gate.on('deferral', ({ type }) => {
    if (type === 'performed') waiting -= 1;
  });

  async function add(): Promise<void> {
    const accepted = await ledger.accept(acceptanceOf(partition));
    if (accepted.kind !== 'accepted') throw new Error(`An order was not accepted: ${accepted.kind}.`);
    waiting += 1;
  }

  return ratesOf({
    add,
    addMany: (count) => Promise.all(Array.from({ length: count }, add)),
    async perform(called) {
      job = called;
      await gate.queue.resume({ partition });
      return () => gate.queue.pause({ partition: performed });
    },
    remaining: async () => waiting,
    async empty(toPerform) {
      partition = toPerform ? performed : kept;
      waiting = 0;
      await gate.queue.pause({ partition });
    },
  });
});

/** The driver makes it while nobody waits for it. */
async function completionTable(pool: pg.Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query("SELECT to_regclass('slackwater_completions') AS made");
    if (rows[0]?.made !== null) return;
    await sleep(10);
  }
}
