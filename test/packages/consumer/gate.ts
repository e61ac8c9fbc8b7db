// A program of somebody who installed the packages: compiled in a project of its own, then run.
import type { AddressInfo } from 'node:net';
import { slackwater } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express from 'express';
import pg from 'pg';

const pool = new pg.Pool();
observe(pool, { partition: 'orders' });

const gate = slackwater();
const app = express();
app.use(gate);
app.get('/hello', (_req, res) => {
  res.json({ hello: 'world' });
});

const server = app.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  report(`http://127.0.0.1:${port}`).then(
    async (answers) => {
      process.stdout.write(JSON.stringify(answers));
      server.close();
      await gate.close();
      await pool.end();
    },
    (error: unknown) => {
      process.stderr.write(String(error));
      process.exit(1);
    },
  );
});

async function report(origin: string): Promise<object> {
  const hello = await fetch(`${origin}/hello`, { headers: { connection: 'close' } });
  const health = await fetch(`${origin}/slackwater/health`, { headers: { connection: 'close' } });
  return { hello: await hello.json(), status: hello.status, health: health.status };
}
