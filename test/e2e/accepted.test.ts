import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isReplay, type SlackwaterOptions } from '@slackwater/middleware';
import {
  type DeferralResource,
  isDeferralResource,
  parseBlock,
  parseEntry,
  verifyWebhook,
} from '@slackwater/shared';
import { type PostgresServer, type SlowCommits, startPostgres } from '@slackwater/test-support/postgres';
import type { RequestHandler } from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readStoredLedger } from '../crash/stored-ledger.ts';
import { startReceiver } from '../middleware/perform/webhooks/receiver.ts';
import {
  eventually,
  type OrdersApp,
  overUntilHealed,
  post,
  prepareDatabase,
  showThatItIsSlow as showHowItIs,
  startOrders,
} from './orders-app.ts';

let server: PostgresServer;
let slow: SlowCommits;
let orders: OrdersApp;
let part = 0;
const undo: (() => Promise<void>)[] = [];
const asking = { prefer: 'respond-async', 'x-customer': 'ann' };

beforeAll(async () => {
  server = await startPostgres();
  slow = await prepareDatabase(server);
});

afterEach(async () => {
  await slow.set(0);
  for (const step of undo.splice(0).reverse()) await step();
});

afterAll(async () => {
  await server.stop();
});

async function open(more: Partial<Parameters<typeof startOrders>[1]> = {}): Promise<OrdersApp> {
  orders = await startOrders(server, { partition: `accepted ${++part}`, ...more });
  undo.push(orders.close);
  return orders;
}

/** Has an order deferred; the database is slow from then on. */
async function deferred(reference: string, how = slow): Promise<{ resource: DeferralResource; url: string }> {
  await overUntilHealed(orders, how);
  const answer = await post(`${orders.url}/orders`, { reference }, asking);
  expect(answer.status).toBe(202);
  const resource: unknown = await answer.json();
  if (!isDeferralResource(resource)) throw new Error('not a deferral resource');
  return { resource, url: `${orders.url}${answer.headers.get('operation-location')}` };
}

async function look(url: string, headers: Readonly<Record<string, string>> = {}): Promise<DeferralResource> {
  const answer = await fetch(url, { headers });
  expect(answer.status).toBe(200);
  return (await answer.json()) as DeferralResource;
}

function settled(url: string): Promise<DeferralResource> {
  return eventually(async () => {
    const resource = await look(url);
    expect(resource.phase).toBe('settled');
    return resource;
  });
}

describe('a deferral', () => {
  it('goes to the default chain where no group is configured (B-45)', async () => {
    await open();
    const { resource } = await deferred('default chain');
    expect(resource.group).toBe('main');
    const checkpoint = await (await fetch(`${orders.url}/slackwater/ledger/main/checkpoint`)).text();
    expect(checkpoint.split('\n')[0]).toBe((await orders.gate.ledger.open()).origin);
  });

  it('is said in the 202 to be durably inserted, by fsync, and by then it is, in a sealed block (B-06)', async () => {
    await open();
    const { resource } = await deferred('durable');
    const scratch = mkdtempSync(join(tmpdir(), 'slackwater-copy-'));
    undo.push(async () => rmSync(scratch, { recursive: true }));
    // What the files say while the answer is being read, of a process that wrote nothing since.
    const { entries, blocks } = readStoredLedger(orders.directory, scratch, 'orders');
    expect(resource.durable).toBe('fsync');
    const position = entries.findIndex((entry) => parseEntry(entry).id === resource.id);
    expect(parseEntry(entries[position] ?? new Uint8Array()).type).toBe('accepted');
    expect(parseBlock(blocks.at(-1) ?? '').size).toBeGreaterThan(position);
  });

  it('is told of where it has been postponed for longer than its work type allows (D-69)', async () => {
    const workTypes: SlackwaterOptions['workTypes'] = {
      pay: { priority: 1, exempt: true },
      order: { priority: 2, thresholdMs: 100, whenOver: 'defer', maxPostponeMs: 1_000 },
      report: { priority: 3, thresholdMs: 60 },
    };
    await open({ options: { workTypes } });
    const told: unknown[] = [];
    orders.gate.on('deferral', (event) => event.type === 'postponed-too-long' && told.push(event));
    // So that no probe performs it meanwhile.
    await orders.gate.queue.pause();
    const { resource } = await deferred('too long');
    const { id, workType, partition, group } = resource;
    await eventually(async () => expect(told).toContainEqual(expect.objectContaining({ id })));
    expect(told).toContainEqual({ type: 'postponed-too-long', act: 'alert', id, workType, partition, group });
    await orders.gate.queue.resume();
  });

  it('is told to who is to be told, by a signed webhook, without what only its caller holds', async () => {
    const receiver = await startReceiver();
    undo.push(receiver.close);
    const secret = `whsec_${randomBytes(32).toString('base64')}`;
    const webhook = { url: receiver.url, secret };
    const workTypes: SlackwaterOptions['workTypes'] = {
      pay: { priority: 1, exempt: true },
      order: { priority: 2, thresholdMs: 100, whenOver: 'defer', webhook },
      report: { priority: 3, thresholdMs: 60 },
    };
    const webhooks = { allow: [receiver.url], privateAddresses: true };
    const prometheus = { public: true };
    await open({ options: { workTypes, webhooks, prometheus } });
    const { resource, url } = await deferred('webhook');
    await slow.set(0);
    const after = await settled(url);
    const one = await eventually(() => {
      const told = receiver.received.find(({ body }) => body.includes(resource.id));
      if (told === undefined) throw new Error('not told yet');
      return Promise.resolve(told);
    });
    expect(verifyWebhook(one, { secrets: [secret], nowMs: Date.now() })).toBe(true);
    const { receipt, entry, salt, resourceLocation, ...told } = after;
    expect(JSON.parse(one.body)).toMatchObject({ type: 'deferral.performed', data: told });
    expect(one.body).not.toContain('capability');
    for (const name of ['receipt', 'entry', 'salt']) expect(one.body).not.toContain(`"${name}"`);
    await eventually(async () => {
      const text = await (await fetch(`${orders.url}/slackwater/metrics`)).text();
      expect(text).toMatch(/slackwater_webhooks_total\{outcome="delivered",group="main"\} [1-9]/);
    });
  });

  it('tells its caller that all of the processing was deferred (B-27)', async () => {
    await open();
    const { resource } = await deferred('portion');
    expect(resource).toMatchObject({ status: 'NotStarted', portion: 'all' });
    expect(await orders.counts()).not.toHaveProperty('portion');
  });

  it('shows its life by query, and each step is an entry of the ledger (B-47)', async () => {
    await open();
    const { resource, url } = await deferred('life');
    const seen = new Set<string>();
    await slow.set(0);
    await eventually(async () => {
      const { status, phase } = await look(url);
      seen.add(status);
      expect(phase).toBe('settled');
    });
    expect([...seen].filter((status) => !['NotStarted', 'Running'].includes(status))).toEqual(['Succeeded']);
    const scratch = mkdtempSync(join(tmpdir(), 'slackwater-copy-'));
    undo.push(async () => rmSync(scratch, { recursive: true }));
    const { entries } = readStoredLedger(orders.directory, scratch, 'orders');
    const steps = entries
      .map(parseEntry)
      .filter(({ id }) => id === resource.id)
      .map(({ type }) => type);
    expect(steps.filter((type) => type !== 'postponed')).toEqual(['accepted', 'performing', 'performed']);
  });

  it('was told to have succeeded while nothing of it was in the database, and is done after that (B-07)', async () => {
    const partition = `accepted ${++part}`;
    const report = { priority: 3, thresholdMs: 60 };
    const ahead = {
      priority: 2,
      thresholdMs: 100,
      whenOver: 'defer',
      deferWithoutAsking: true,
      acknowledge: 'succeeded',
      result: () => ({ status: 201, body: { outcome: 'succeeded', implemented: false } }),
    } as const;
    await open({
      partition,
      options: { workTypes: { pay: { priority: 1, exempt: true }, order: ahead, report } },
    });
    await overUntilHealed(orders, slow);
    const answer = await post(`${orders.url}/orders`, { reference: 'ahead' }, { 'x-customer': 'ann' });
    expect([answer.status, await answer.json()]).toEqual([201, { outcome: 'succeeded', implemented: false }]);
    expect(await orders.counts()).not.toHaveProperty('ahead');
    await slow.set(0);
    await settled(`${orders.url}${answer.headers.get('operation-location')}`);
    expect(await orders.counts()).toHaveProperty('ahead', 1);
  });

  it('shows its record to its requester, and is not there for anybody else (B-30)', async () => {
    await open();
    const { url } = await deferred('private');
    const bare = url.replace(/\?.*/, '');
    const record = await (await fetch(`${bare}/record`, { headers: { 'x-customer': 'ann' } })).text();
    expect(record).toContain('accepted');
    expect(record).not.toContain('private');
    for (const headers of [{}, { 'x-customer': 'bob' }]) {
      expect((await fetch(`${bare}/record`, { headers })).status).toBe(404);
    }
    expect((await fetch(`${bare}/record?capability=${'A'.repeat(43)}`)).status).toBe(404);
  });
});

describe('a database that goes and comes back', () => {
  it('has the deferrals of before done after that, once', async () => {
    const own = await startPostgres();
    try {
      const ownSlow = await prepareDatabase(own);
      orders = await startOrders(own, { partition: `accepted ${++part}` });
      const { url } = await deferred('outage', ownSlow);
      await own.kill();
      expect((await post(`${orders.url}/payments`, { reference: 'no database' })).status).toBe(500);
      expect((await look(url)).phase).not.toBe('settled');
      await own.restart();
      await ownSlow.set(0);
      expect(await settled(url)).toMatchObject({ status: 'Succeeded' });
      expect(await orders.counts()).toHaveProperty('outage', 1);
    } finally {
      await orders.close();
      await own.stop();
    }
  });
});

describe('deferrals of one order key', () => {
  it('run in ledger order, and a later write on the key does not overtake them on a quick database (B-50)', async () => {
    let failing = true;
    const failFirst: RequestHandler = (req, res, next) => {
      if (failing && isReplay(req) && req.get('x-request-id') === 'first') res.status(500).end();
      else next();
    };
    await open({
      before: [failFirst],
      options: { perform: { lookEveryMs: 100, retryBaseMs: 100, retryCapMs: 200, maxAttempts: 1_000 } },
    });
    await overUntilHealed(orders, slow);
    const note = (key: number, text: string, headers: Readonly<Record<string, string>>): Promise<Response> =>
      post(`${orders.url}/orders/${key}/notes`, { reference: `notes ${key}`, note: text }, headers);
    expect((await note(7, '1', { ...asking, 'x-request-id': 'first' })).status).toBe(202);
    await slow.set(0);
    // Exempt work shows that commits are quick: the one that fails takes every probe, and its attempts commit nothing.
    let other = 8;
    await eventually(async () => {
      await showHowItIs(orders);
      expect((await note(other++, 'other', { 'x-customer': 'ann' })).status).toBe(201);
    });
    const overtaking = await note(7, '2', { 'x-customer': 'ann' });
    expect(overtaking.status).toBe(503);
    expect(await overtaking.json()).toMatchObject({ reasons: ['order-key-waiting', 'not-asked'] });
    const third = await note(7, '3', asking);
    expect(third.status).toBe(202);
    failing = false;
    await eventually(async () => {
      const { rows } = await orders.pool.query(
        "SELECT note FROM orders WHERE reference = 'notes 7' ORDER BY id",
      );
      expect(rows.map((row) => row.note)).toEqual(['1', '3']);
    });
    // The row is there a moment before the deferral is settled and its item has left the queue.
    await eventually(async () => {
      const { status } = await look(`${orders.url}${third.headers.get('operation-location')}`);
      expect([status, orders.gate.deferrals.inFlight]).toEqual(['Succeeded', 0]);
    });
    expect((await note(7, '4', asking)).status).toBe(201);
  });
});
