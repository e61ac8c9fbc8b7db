import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type DeferralResource, verifyReceipt } from '@slackwater/shared';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../packages/middleware/src/clock.ts';
import { postgresEngine } from '../../packages/middleware/src/engines/postgres/postgres-engine.ts';
import { createKeyFile, parseKeyFile } from '../../packages/middleware/src/ledger/keys.ts';
import { ed25519Verify, openSigner } from '../../packages/middleware/src/ledger/signer.ts';
import { verifyStored } from '../../packages/middleware/src/ledger/verify.ts';
import { eventually, post } from './orders-app.ts';

interface Host {
  readonly url: string;
  readonly process: ChildProcess;
}

interface Health {
  readonly engine: object;
}

const program = fileURLToPath(new URL('children/ledger-host.ts', import.meta.url));
const owner = { application: 'orders', group: 'main' };
const keys = createKeyFile(owner);
const asking = { prefer: 'respond-async', 'x-customer': 'ann' };
let server: PostgresServer;
let operator: pg.Pool;
const hosts: Host[] = [];

const ledgerUrl = (): string => server.connectionString.replace(/[^/]+$/, 'ledger');

/** Starts a host. Its own commits take so much longer, by a setting of its connections; nobody else's do. */
async function startHost(slowerByMs: number, lookEveryMs = 100, version = 1): Promise<Host> {
  const child = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      DATABASE_URL: server.connectionString,
      LEDGER_URL: ledgerUrl(),
      KEYS: Buffer.from(keys).toString('utf8'),
      LOOK_EVERY_MS: String(lookEveryMs),
      VERSION: String(version),
      PGOPTIONS: `-c host.slower_by_ms=${slowerByMs}`,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
  const host = { url: line.toString().trim(), process: child };
  hosts.push(host);
  return host;
}

async function end({ process: child }: Host, how: 'politely' | 'kill -9' = 'politely'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'close');
  if (how === 'politely') child.stdin?.end();
  else child.kill('SIGKILL');
  await gone;
}

/** Shows a host that its commits are slow, by work that is never postponed, and takes the probe that is due. */
async function showThatItIsSlow({ url }: Host): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, (_, n) => post(`${url}/payments`, { reference: `slow ${n}` })));
  expect((await post(`${url}/orders`, { reference: 'probe' }, asking)).status).toBe(201);
}

async function order(
  host: Host,
  reference: string,
  path = '/orders',
): Promise<{ deferral: DeferralResource; outcome: string }> {
  const answer = await post(`${host.url}${path}`, { reference }, asking);
  expect(answer.status).toBe(202);
  const deferral = (await answer.json()) as DeferralResource;
  return { deferral, outcome: answer.headers.get('location') ?? '' };
}

async function performedBy(reference: string): Promise<readonly unknown[]> {
  const { rows } = await operator.query('SELECT host FROM orders WHERE reference = $1', [reference]);
  return rows.map(({ host }) => host);
}

beforeAll(async () => {
  server = await startPostgres();
  operator = new pg.Pool({ connectionString: server.connectionString });
  operator.on('error', () => {});
  await operator.query('CREATE DATABASE ledger');
  await operator.query(`
    CREATE TABLE orders (reference text, host integer);
    CREATE TABLE slackwater_completions (
      key text NOT NULL, ordinal integer NOT NULL, tombstone boolean NOT NULL DEFAULT false,
      done_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (key, ordinal));
    CREATE FUNCTION slower() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_sleep(coalesce(current_setting('host.slower_by_ms', true), '0')::int / 1000.0);
      RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER slower AFTER INSERT ON orders
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slower();
  `);
});

afterAll(async () => {
  await Promise.all(hosts.map((host) => end(host)));
  await operator.end();
  await server.stop();
});

describe('hosts that share a ledger in PostgreSQL', () => {
  it('hear of what another accepted, and perform it without looking for it', async () => {
    // It finds the queue empty when it starts, and looks again a minute later.
    const quick = await startHost(0, 60_000);
    await eventually(async () => {
      const health = (await (await fetch(`${quick.url}/slackwater/health`)).json()) as Health;
      expect(health.engine).toEqual({ connected: true, behind: 0, listening: true });
    });
    const slow = await startHost(400);
    await showThatItIsSlow(slow);
    await order(slow, 'heard of');
    await eventually(async () => expect(await performedBy('heard of')).toEqual([quick.process.pid]));
    await Promise.all([slow, quick].map((host) => end(host)));
  });

  it('leave what has a route that only newer ones know to those, while they are brought out one by one', async () => {
    const newAndSlow = await startHost(400, 100, 2);
    await showThatItIsSlow(newAndSlow);
    const old = await startHost(0);
    const { deferral } = await order(newAndSlow, 'returned', '/returns');
    const read = async (): Promise<DeferralResource> =>
      (await fetch(`${old.url}/slackwater/deferrals/${deferral.id}`, { headers: asking })).json() as never;
    await eventually(async () =>
      expect(await read()).toMatchObject({ phase: 'retrying', error: { code: 'route-missing' } }),
    );
    const newer = await startHost(0, 100, 2);
    await eventually(async () => expect((await read()).status).toBe('Succeeded'));
    expect(await performedBy('returned')).toEqual([newer.process.pid]);
    await Promise.all([newAndSlow, old, newer].map((host) => end(host)));
  });

  it('accept on one, read on and perform on another, and hold one chain', async () => {
    const slow = await startHost(400);
    const slowToo = await startHost(400);
    await Promise.all([slow, slowToo].map(showThatItIsSlow));
    // Accepted by two at once, while nobody can perform: both are slow.
    const accepted = await Promise.all(
      [slow, slowToo].flatMap((host, at) =>
        Array.from({ length: 10 }, (_, n) => order(host, `host ${at}, order ${n}`)),
      ),
    );
    expect(new Set(accepted.map(({ deferral }) => deferral.id)).size).toBe(20);
    expect((await operator.query("SELECT FROM orders WHERE reference LIKE 'host %'")).rowCount).toBe(0);

    // A third one comes, whose way to the database is not slow; who accepted one half dies.
    const quick = await startHost(0);
    await end(slow, 'kill -9');
    for (const { deferral, outcome } of accepted) {
      await eventually(async () => {
        const answer = await fetch(`${quick.url}${outcome}`, { headers: { 'x-customer': 'ann' } });
        expect(answer.headers.get('slackwater-outcome')).toBe('final');
        expect(answer.status).toBe(201);
        const { reference } = (await answer.json()) as { reference: string };
        expect(await performedBy(reference)).toEqual([quick.process.pid]);
      }, 30_000);
      // The host that did not perform it tells the same.
      const read = await fetch(`${slowToo.url}${deferral.resourceLocation}`, {
        headers: { 'x-customer': 'ann' },
      });
      expect(read.status).toBe(201);
    }

    const pool = new pg.Pool({ connectionString: ledgerUrl() });
    const engine = await postgresEngine({ pool, keys }).open({ ...owner, clock: systemClock });
    try {
      const checkpoint = await (await fetch(`${slowToo.url}/slackwater/ledger/main/checkpoint`)).text();
      const verifierKeys = [openSigner(parseKeyFile(keys)).verifierKey];
      await Promise.all([slowToo, quick].map((host) => end(host)));
      for (const { deferral } of accepted) {
        const entry = Buffer.from(deferral.entry ?? '', 'base64');
        const verify = () =>
          verifyReceipt(deferral.receipt ?? '', { entry, verifierKeys }, { ed25519Verify });
        expect(verify).not.toThrow();
      }
      const report = await verifyStored(engine, { verifierKeys, oldCheckpoint: checkpoint });
      expect(report).toMatchObject({ ok: true });
      expect(await engine.queue.backlog()).toEqual([]);
    } finally {
      await engine.close();
      await pool.end();
    }
  }, 180_000);
});
