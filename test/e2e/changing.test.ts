import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type LedgerEntry, parseEntry } from '@slackwater/shared';
import { type PostgresServer, type SlowCommits, startPostgres } from '@slackwater/test-support/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auth, claims, signed } from '../middleware/audit/issuer.ts';
import { expresses } from '../middleware/perform/expresses.ts';
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

beforeAll(async () => {
  server = await startPostgres();
  slow = await prepareDatabase(server);
});
afterAll(() => server.stop());

const headers = (): Record<string, string> => ({
  authorization: `Bearer ${signed(claims(Date.now(), 'admin audit:read'))}`,
  'content-type': 'application/json',
});
const ask = ({ url }: OrdersApp, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${url}/slackwater${path}`, { ...init, headers: { ...headers(), ...(init.headers as object) } });
const put = (orders: OrdersApp, body: unknown, more: Record<string, string> = {}): Promise<Response> =>
  ask(orders, '/work-types/order', { method: 'PUT', body: JSON.stringify(body), headers: more });
const order = async ({ url }: OrdersApp): Promise<number> =>
  (await post(`${url}/orders`, { reference: 'one' }, { 'x-customer': 'ann@example.com' })).status;

/** The entries of changes in the ledger's file, oldest first; the whole ledger has to verify. */
async function changesIn({ gate, directory }: OrdersApp): Promise<readonly LedgerEntry[]> {
  expect(await gate.audit.verify()).toMatchObject({ ok: true });
  const file = new DatabaseSync(join(directory, 'slackwater.db'), { readOnly: true, timeout: 30_000 });
  try {
    const rows = file.prepare('SELECT entry FROM log_1 ORDER BY position').all();
    return rows
      .map(({ entry }) => parseEntry(new Uint8Array(entry as Uint8Array)))
      .filter(({ type }) => type === 'work-type-changed');
  } finally {
    file.close();
  }
}

describe.each(expresses)('a gate that is changed while it runs, under %s', (name, framework) => {
  const partition = `changing ${name}`;
  let directory: string;
  let orders: OrdersApp;
  const start = (): Promise<OrdersApp> =>
    startOrders(server, { partition, express: framework, directory, options: { auth, explain: 'scope' } });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'slackwater-changing-'));
    orders = await start();
    await overUntilHealed(orders, slow, 200);
  });
  afterAll(async () => {
    await slow.set(0);
    await orders.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('lets through from the next request on what a higher threshold tolerates (D-14, D-17)', async () => {
    expect(await order(orders)).toBe(503);
    const changed = await put(orders, { thresholdMs: 60_000 });
    expect([changed.status, await changed.json()]).toMatchObject([
      200,
      { thresholdMs: 60_000, recorded: true, changed: { by: 'token:ann', members: ['thresholdMs'] } },
    ]);
    // On the way back to clear one request at a time is let through.
    await eventually(async () => expect(await order(orders)).toBe(201));
    await put(orders, { thresholdMs: 50 });
    await eventually(async () => expect(await order(orders)).toBe(503));
  });

  it('refuses what is silly, and changes nothing', async () => {
    for (const body of [
      { thresholdMs: '200' },
      { thresholdMs: -1 },
      { thresholdMs: 1e300 },
      { threshold: 1 },
    ]) {
      expect((await put(orders, body)).status).toBe(422);
    }
    const exempt = await ask(orders, '/work-types/pay', { method: 'PUT', body: '{"thresholdMs":1}' });
    expect(exempt.status).toBe(422);
    expect((await put(orders, { thresholdMs: 70 }, { 'if-match': '"stale"' })).status).toBe(412);
    expect(await (await ask(orders, '/work-types/order')).json()).toMatchObject({ thresholdMs: 50 });
  });

  it('explains afterwards, and at once to who may know', async () => {
    // One of them may be the probe.
    const answer = await eventually(async () => {
      const headersOfAnn = { 'x-customer': 'ann@example.com', ...headers() };
      const postponed = await post(`${orders.url}/orders`, { reference: 'why' }, headersOfAnn);
      expect(postponed.status).toBe(503);
      return postponed;
    });
    expect(answer.headers.get('slackwater-decision')).toMatch(/state=over, value=[\d.]+, threshold=50/);
    const { decisions } = (await (
      await ask(orders, '/decisions?workType=order&decision=retry-later&limit=1')
    ).json()) as {
      decisions: readonly Record<string, unknown>[];
    };
    expect(decisions).toMatchObject([
      { decision: 'retry-later', route: '/orders', partition, state: 'over', thresholdMs: 50 },
    ]);
    expect(JSON.stringify(decisions)).not.toContain('ann@');
  });

  it('lets everything through in shadow mode, and says what it would have kept from the database', async () => {
    await put(orders, { shadow: true });
    const statuses = new Set<number>();
    await eventually(async () => {
      statuses.add(await order(orders));
      expect(orders.gate.shadow()['order']?.retryLater).toBeGreaterThan(0);
    });
    expect([...statuses]).toEqual([201]);
    const { shadow } = (await (await ask(orders, '/partitions')).json()) as {
      shadow: Record<string, { retryLater: number; commits: number; commitMs: number }>;
    };
    const { retryLater = 0, commits = 0, commitMs = 0 } = shadow['order'] ?? {};
    expect(commits).toBe(retryLater);
    // Each of those commits took what the database is made to take.
    expect(commitMs).toBeGreaterThan(commits * 150);
    const text = await (await ask(orders, '/metrics')).text();
    expect(text).toContain(`slackwater_shadow_commits_total{work_type="order"} ${commits}`);
    expect(text).toContain(`slackwater_threshold_seconds{partition="${partition}",work_type="order"} 0.05`);
  });

  it('is as it was changed after a restart, and its ledger says by whom', async () => {
    await orders.close();
    orders = await start();
    await eventually(async () => {
      const { thresholdMs, shadow, changed } = await (await ask(orders, '/work-types/order')).json();
      expect({ thresholdMs, shadow, changed }).toMatchObject({
        thresholdMs: 50,
        shadow: true,
        changed: { by: 'token:ann' },
      });
    });
    const changes = await changesIn(orders);
    expect(changes.map(({ by }) => by)).toEqual(Array(3).fill('token:ann'));
    expect(changes.map(({ changes: made }) => made?.['order'])).toEqual([
      { before: { thresholdMs: 100 }, after: { thresholdMs: 60_000 } },
      { before: { thresholdMs: 60_000 }, after: { thresholdMs: 50 } },
      { before: { shadow: false }, after: { shadow: true } },
    ]);
  });
});
