import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { sqliteEngine } from '@slackwater/middleware';
import { type PostgresServer, type SlowCommits, startPostgres } from '@slackwater/test-support/postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  eventually,
  type OrdersApp,
  overUntilHealed,
  post,
  prepareDatabase,
  startOrders,
} from './orders-app.ts';

let server: PostgresServer;
let slow: SlowCommits;
let orders: OrdersApp;
let directory: string;
let part = 0;
const asking = { prefer: 'respond-async', 'x-customer': 'ann' };

beforeAll(async () => {
  server = await startPostgres();
  slow = await prepareDatabase(server);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await slow.set(0);
  await orders.close();
  rmSync(directory, { recursive: true, force: true });
});

afterAll(async () => {
  await server.stop();
});

async function open(more: Partial<Parameters<typeof startOrders>[1]> = {}): Promise<OrdersApp> {
  orders = await startOrders(server, { partition: `misfortune ${++part}`, directory, ...more });
  return orders;
}

function makeDirectory(): string {
  directory = mkdtempSync(join(tmpdir(), 'slackwater-misfortune-'));
  return directory;
}

async function reasonsOf(answer: Response): Promise<string[]> {
  expect(answer.status).toBe(503);
  const problem = (await answer.json()) as { reasons: string[]; recorded: unknown };
  expect(problem.recorded).toBe(false);
  return problem.reasons;
}

describe('with a ledger that can not be opened, the application goes on, and requests are asked to retry later', () => {
  it.each([
    ['a database file that is none', 'slackwater.db', 'engine-corrupt'],
    ['a directory that is a file', undefined, 'engine-unavailable'],
  ])('because of %s', async (_, file, code) => {
    const place = makeDirectory();
    let ledgerDirectory = place;
    if (file === undefined) {
      ledgerDirectory = join(place, 'file');
      writeFileSync(ledgerDirectory, 'a file');
    } else writeFileSync(join(place, file), 'this is no database, whatever it is called. '.repeat(100));
    await open({ options: { engine: sqliteEngine({ directory: ledgerDirectory }) } });
    const troubles: unknown[] = [];
    orders.gate.on('trouble', ({ error }) => troubles.push(error));
    expect((await post(`${orders.url}/orders`, { reference: 'works' }, asking)).status).toBe(201);
    await overUntilHealed(orders, slow);
    const answer = await post(`${orders.url}/orders`, { reference: 'not now' }, asking);
    expect(await reasonsOf(answer)).toEqual(['over-threshold', 'ledger-unavailable']);
    expect(troubles.length).toBeGreaterThan(0);
    await expect(orders.gate.ledger.checkpoint()).rejects.toMatchObject({ code });
    const health = await (await fetch(`${orders.url}/slackwater/health`)).json();
    expect(health.status).toBe('degraded');
  });

  it('because of a key file that is unreadable, and nothing is encrypted with other keys', async () => {
    const place = makeDirectory();
    await open();
    expect(await orders.gate.ledger.verifierKey()).toContain('orders/main');
    await orders.close();
    const keyFiles = readdirSync(place).filter((name) => /^keys-.*json$/.test(name));
    for (const name of keyFiles) writeFileSync(join(place, name), 'scribble');
    expect(keyFiles.length).toBeGreaterThan(0);
    await open();
    await overUntilHealed(orders, slow);
    const answer = await post(`${orders.url}/orders`, { reference: 'no key' }, asking);
    expect(await reasonsOf(answer)).toEqual(['over-threshold', 'ledger-unavailable']);
    await expect(orders.gate.ledger.checkpoint()).rejects.toMatchObject({ code: 'key-file-unreadable' });
  });
});

describe('with a disk that is full', () => {
  it('requests are asked to retry later with the reason, and what was accepted before is performed', async () => {
    const place = makeDirectory();
    const engineOf = (maxBytes: number): ReturnType<typeof sqliteEngine> =>
      sqliteEngine({ directory: place, maxBytes });
    const partition = 'misfortune of a full disk';
    const latency = { probeEveryMs: 60_000 };
    await open({ partition, options: { engine: engineOf(1024 * 1024), latency } });
    await overUntilHealed(orders, slow);
    const accepted: string[] = [];
    let unknown = 0;
    let recorded: unknown;
    // What finds the last room may be appended and find none for its seal: whether it counts is not known then.
    for (let n = 0; n < 400 && recorded !== false; n++) {
      const reference = `fills ${n}`;
      const answer = await post(`${orders.url}/orders`, { reference, note: 'x'.repeat(20_000) }, asking);
      if (answer.status === 202) {
        accepted.push(reference);
        continue;
      }
      expect(answer.status).toBe(503);
      const problem = (await answer.json()) as { reasons: string[]; recorded: unknown };
      expect(problem.reasons).toEqual(['over-threshold', 'ledger-full']);
      recorded = problem.recorded;
      if (recorded === 'unknown') unknown += 1;
    }
    expect(recorded).toBe(false);
    expect(accepted.length).toBeGreaterThan(5);
    const listed = (await orders.gate.audit.deferrals({ limit: 1_000 })).deferrals.length;
    expect(listed).toBeGreaterThanOrEqual(accepted.length);
    expect(listed).toBeLessThanOrEqual(accepted.length + unknown);
    expect((await post(`${orders.url}/payments`, { reference: 'still' })).status).toBe(201);
    await orders.close();
    await slow.set(0);
    await open({ partition, options: { engine: engineOf(2 * 1024 * 1024) } });
    await eventually(async () => expect(await orders.counts()).toMatchObject(onceEach(accepted)));
  });
});

function onceEach(references: readonly string[]): Record<string, number> {
  return Object.fromEntries(references.map((reference) => [reference, 1]));
}

describe('with a ledger whose thread dies', () => {
  it('nobody hangs and no 202 is false: what was accepted is there, and the thread comes back', async () => {
    makeDirectory();
    const threads: Worker[] = [];
    const keep = (worker: Worker): number => threads.push(worker);
    process.on('worker', keep);
    await open({ options: { latency: { probeEveryMs: 60_000 } } });
    await orders.gate.start();
    process.off('worker', keep);
    await overUntilHealed(orders, slow);
    const wave = Array.from({ length: 60 }, (_, n) =>
      post(`${orders.url}/orders`, { reference: `wave ${n}` }, asking),
    );
    await new Promise((resolve) => setTimeout(resolve, 15));
    await threads[0]?.terminate();
    const answers = await Promise.all(wave);
    const ids = [];
    for (const answer of answers) {
      const body = (await answer.json()) as { id?: string; recorded?: unknown; reasons?: string[] };
      if (answer.status === 202) ids.push(body.id ?? '');
      else {
        expect(answer.status).toBe(503);
        expect(['unknown', false]).toContain(body.recorded);
        expect(body.reasons?.[0]).toBe('over-threshold');
      }
    }
    expect(threads.length).toBeGreaterThan(0);
    for (const id of ids)
      expect(await eventually(() => orders.gate.deferrals.find(id))).toMatchObject({ id });
    await eventually(async () => {
      expect((await post(`${orders.url}/orders`, { reference: 'after' }, asking)).status).toBe(202);
    });
    expect((await orders.gate.audit.verify()).ok).toBe(true);
  });
});

describe('with a clock that jumps', () => {
  it.each([
    ['an hour forward', 3_600_000],
    ['an hour back', -3_600_000],
  ])('%s, requests are judged as before and deferrals are performed', async (_, jumpMs) => {
    makeDirectory();
    await open();
    await overUntilHealed(orders, slow);
    const first = await post(`${orders.url}/orders`, { reference: `before ${jumpMs}` }, asking);
    expect(first.status).toBe(202);
    const real = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => real() + jumpMs);
    const second = await post(`${orders.url}/orders`, { reference: `after ${jumpMs}` }, asking);
    expect(second.status).toBe(202);
    await slow.set(0);
    await eventually(async () => {
      expect(await orders.counts()).toMatchObject({ [`before ${jumpMs}`]: 1, [`after ${jumpMs}`]: 1 });
    });
  });
});

describe('with a completion table that is missing', () => {
  it('nothing is deferred to that partition, and the reason is given', async () => {
    makeDirectory();
    await open({ ensure: false });
    await orders.pool.query('DROP TABLE IF EXISTS slackwater_completions');
    await orders.close();
    await open({ ensure: false });
    await overUntilHealed(orders, slow);
    const answer = await post(`${orders.url}/orders`, { reference: 'no table' }, asking);
    expect(await reasonsOf(answer)).toEqual(['over-threshold', 'completion-table-missing']);
  });
});

describe('with a database that is gone', () => {
  it('the gate leaves it to the routes to say so, and hangs nobody', async () => {
    makeDirectory();
    const own = await startPostgres();
    const ownSlow = await prepareDatabase(own);
    orders = await startOrders(own, { partition: `misfortune ${++part}`, directory });
    await overUntilHealed(orders, ownSlow);
    await own.kill();
    const answer = await post(`${orders.url}/orders`, { reference: 'gone' }, asking);
    expect([202, 500, 503]).toContain(answer.status);
    expect((await post(`${orders.url}/payments`, { reference: 'gone' })).status).toBe(500);
    await own.stop();
  });
});
