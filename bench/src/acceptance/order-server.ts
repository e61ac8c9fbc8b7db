import { setTimeout as sleep } from 'node:timers/promises';
import { slackwater } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express from 'express';
import pg from 'pg';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';
import { scratchFolder } from '../scratch.ts';
import { partition, usualOptions } from '../work-types.ts';
import { acceptAll } from './accept-all.ts';

/** A server with a gate on a database that stalls: orders are deferred, all but a few. */
export interface OrderServer {
  url(): Promise<string>;
  /** To be called when the database stalls; resolves when the gate knows it. */
  stalled(): Promise<void>;
  /** Accepts so many without HTTP, up to 256 at a time; resolves with how many there were per second. */
  accept(count: number): Promise<number>;
  /** The median duration of so many proofs, of entries from anywhere in what `accept` recorded, µs. */
  proofUs(count: number): Promise<number>;
  /** How many entries the ledger has. */
  size(): Promise<number>;
}

async function make({ connectionString }: { readonly connectionString: string }): Promise<OrderServer> {
  const app = express();
  const pool = new pg.Pool({ connectionString, max: 10 });
  // The database is stopped before this process is.
  pool.on('error', () => {});
  observe(pool, { partition, ensure: true });
  const gate = slackwater(usualOptions(scratchFolder()));
  app.use(gate);
  app.use(express.json());
  const insert = (): Promise<unknown> => pool.query("INSERT INTO orders (note) VALUES ('bench')");
  app.post('/orders', async (_req, res) => {
    await insert();
    res.status(201).json({ id: 1 });
  });
  const url = await listen(app);
  await gate.start();
  await completionTable(pool);
  const ledger = await gate.ledger.open();
  const ids: string[] = [];

  return {
    url: async () => `${url}/orders`,
    async stalled() {
      for (let n = 0; n < 6; n++) insert().catch(() => {});
      while ((gate.latency.read(partition).valueMs ?? 0) < 200) await sleep(10);
    },
    async accept(count) {
      const startedAt = performance.now();
      ids.push(...(await acceptAll(ledger, count)));
      return count / ((performance.now() - startedAt) / 1_000);
    },
    async proofUs(count) {
      const startedAt = performance.now();
      for (let n = 0; n < count; n++) await ledger.proof(ids[(n * 7_919) % ids.length] ?? '');
      return ((performance.now() - startedAt) * 1_000) / count;
    },
    size: async () => Number((await ledger.checkpoint()).split('\n')[1]),
  };
}

/** The driver makes it while nobody waits for it; once the database stalls it is too late. */
async function completionTable(pool: pg.Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query("SELECT to_regclass('slackwater_completions') AS made");
    if (rows[0]?.made !== null) return;
    await sleep(10);
  }
}

await answerCalls<OrderServer>(make);
