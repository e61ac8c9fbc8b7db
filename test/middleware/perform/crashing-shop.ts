/**
 * A process that performs one deferral and kills itself within its route: started by done-once.test.ts with a
 * folder, a connection string, and after how many commits to die.
 */
import express from 'express';
import pg from 'pg';
import { systemClock } from '../../../packages/middleware/src/clock.ts';
import { commitSources } from '../../../packages/middleware/src/drivers/driver.ts';
import { observe } from '../../../packages/middleware/src/drivers/pg.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { openLedger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { createPerformer } from '../../../packages/middleware/src/perform/performer.ts';
import { createReplay } from '../../../packages/middleware/src/perform/replay.ts';
import type { ReplayApp } from '../../../packages/middleware/src/perform/through-app.ts';

const [, , directory = '', connectionString = '', commits = '1'] = process.argv;
const clock = systemClock;
const names = { application: 'shop', group: 'default' };
const pool = new pg.Pool({ connectionString });
observe(pool, { partition: 'orders', ensure: true });

const app = express();
app.post('/pay', async () => {
  for (let commit = 0; commit < Number(commits); commit += 1) {
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('INSERT INTO effects (what) VALUES ($1)', [`pay ${commit}`]);
    await client.query('COMMIT');
    client.release();
  }
  process.kill(process.pid, 'SIGKILL');
});

const engine = await sqliteEngine({ directory }).open({ ...names, clock });
const ledger = await openLedger({ ...names, engine, clock });
await ledger.recover();
const replay = createReplay({ app: () => app as unknown as ReplayApp, clock });
createPerformer({
  queue: engine.queue,
  ledger,
  admission: { admit: () => ({ admitted: true, reasons: ['clear'], finished: () => {} }) },
  replay,
  completionsOf: () => [...commitSources()].find(({ partition }) => partition === 'orders')?.completions,
  clock,
  options: { leaseMs: 5_000 },
}).start();
setTimeout(() => process.exit(1), 20_000);
