import { randomBytes } from 'node:crypto';
import { verifyWebhook } from '@slackwater/shared';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Deferral } from '../../../../packages/middleware/src/ledger/deferral.ts';
import {
  startWebhooks,
  type WebhookSender,
} from '../../../../packages/middleware/src/perform/webhooks/webhook-sender.ts';
import type {
  WebhookDeferral,
  WebhookPolicy,
  WebhookReport,
  WebhookTarget,
} from '../../../../packages/middleware/src/perform/webhooks/webhook-types.ts';
import { type Place, place, type Workshop } from '../workshop.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const events = ['performed', 'failed', 'parked', 'canceled'] as const;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

let here: Place;
let shop: Workshop;
const senders: WebhookSender[] = [];
beforeEach(async () => {
  here = place(Date.now());
  shop = await here.open({ options: { routeMissingForMs: 0 } });
  receiver.received.length = 0;
  receiver.answer = (res) => void res.writeHead(204).end();
});
afterEach(async () => {
  for (const sender of senders.splice(0)) await closed(sender);
  await here.remove();
});

/** While time goes on, for an engine may be waited for. */
async function closed(sender: WebhookSender): Promise<void> {
  let isClosed = false;
  void sender.close().then(() => {
    isClosed = true;
  });
  await shop.until(() => isClosed);
}

interface Sending {
  readonly sender: WebhookSender;
  readonly reports: WebhookReport[];
  readonly troubles: string[];
}

function send(
  target: Partial<WebhookTarget> = {},
  policy: Partial<WebhookPolicy> = {},
  at: Workshop = shop,
): Sending {
  const reports: WebhookReport[] = [];
  const troubles: string[] = [];
  const sender = startWebhooks({
    clock: here.clock,
    log: at.engine.log,
    store: at.engine.store,
    ledger: at.ledger,
    policy: {
      allow: [receiver.url],
      privateAddresses: true,
      timeoutMs: 3_600_000,
      maxAttempts: 4,
      retryBaseMs: 2_000,
      retryCapMs: 3_600_000,
      maxInFlight: 4,
      ...policy,
    },
    targetOf: (workType) =>
      workType === 'settle' ? { url: `${receiver.url}/in`, secret: [secret], events, ...target } : undefined,
    monitorOf: () => undefined,
    shown: ({ id, status, phase, workType, error }: Deferral) =>
      ({ id, status, phase, workType, error }) as unknown as WebhookDeferral,
    keptForMs: 7 * 86_400_000,
    tell: (report) => reports.push(report),
    trouble: (doing) => troubles.push(doing),
    random: () => 0.999,
  });
  senders.push(sender);
  return { sender, reports, troubles };
}

async function performed(url = '/pay'): Promise<Deferral> {
  const { id } = await shop.accept(url);
  shop.performer.start();
  return shop.ended(id);
}

/** Until the sender has seen where the log ends: what happens from then on is told. */
async function begun(): Promise<void> {
  await shop.until(async () => (await shop.engine.store.get('webhooks/cursor')) !== undefined);
}

const types = (): string[] => receiver.received.map(({ body }) => JSON.parse(body).type as string);

describe('a webhook', () => {
  it('tells a receiver what became of a deferral, in a message that names it, signed with each secret', async () => {
    const next = `whsec_${randomBytes(24).toString('base64')}`;
    const { reports } = send({ secret: [secret, next] });
    await begun();
    shop.app.use((_req, res) => void res.status(201).end());
    const { id } = await performed();
    await shop.until(() => reports.length === 1);
    const [one] = receiver.received;
    for (const known of [secret, next]) {
      const trust = { secrets: [known], nowMs: here.clock.wallNow() };
      expect(verifyWebhook({ headers: one?.headers ?? {}, body: one?.body ?? '' }, trust)).toBe(true);
    }
    expect(one).toMatchObject({ path: '/in', headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(one?.body ?? '')).toEqual({
      type: 'deferral.performed',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: { id, status: 'Succeeded', phase: 'settled', workType: 'settle' },
    });
    expect(reports).toEqual([
      {
        type: 'delivered',
        id,
        workType: 'settle',
        event: 'performed',
        webhookId: one?.headers['webhook-id'],
        attempts: 1,
        status: 204,
      },
    ]);
    expect(await shop.engine.store.list('webhook', { limit: 10 })).toMatchObject([
      { key: 'webhooks/cursor' },
    ]);
  });

  it('tells of what failed, was parked or was canceled too, if that is wanted, and of nothing else', async () => {
    send({ events: ['failed', 'parked', 'canceled'] });
    await begun();
    shop.app.post('/no', (_req, res) => void res.status(422).end());
    shop.app.post('/yes', (_req, res) => void res.end());
    const canceled = await shop.accept('/later');
    await shop.performer.cancel(canceled.id);
    await performed('/yes');
    await performed('/no');
    await performed('/nowhere');
    const other = await shop.accept('/yes', { workType: 'silent' });
    await shop.ended(other.id);
    await shop.until(() => receiver.received.length === 3);
    expect(types()).toEqual(
      expect.arrayContaining(['deferral.canceled', 'deferral.failed', 'deferral.parked']),
    );
  });

  it('is sent again with the same id until it is accepted, later each time, and by whoever comes after a restart', async () => {
    receiver.answer = (res) => void res.writeHead(500).end();
    const first = send();
    await begun();
    shop.app.use((_req, res) => void res.end());
    await performed();
    await shop.until(() => first.reports.length === 2);
    const [once, twice] = first.reports;
    expect(once).toMatchObject({ type: 'failed', attempts: 1, status: 500 });
    expect((twice?.retryAt ?? 0) - (once?.retryAt ?? 0)).toBeGreaterThan(2_000);
    await closed(first.sender);
    await shop.close();
    receiver.answer = (res) => void res.end();
    shop = await here.open();
    const second = send({}, {}, shop);
    await shop.until(() => second.reports.length === 1);
    expect(second.reports).toMatchObject([{ type: 'delivered', attempts: 3 }]);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
    for (const { headers, body } of receiver.received) {
      const at = { secrets: [secret], nowMs: Number(headers['webhook-timestamp']) * 1_000 };
      expect(verifyWebhook({ headers, body }, at)).toBe(true);
    }
  });

  it('is given up after the last attempt, and at once where the receiver is gone or a function gives what is not allowed', async () => {
    receiver.answer = (res) => void res.writeHead(503).end();
    const { reports } = send({}, { maxAttempts: 2, retryBaseMs: 1_000 });
    await begun();
    shop.app.use((_req, res) => void res.end());
    await performed();
    await shop.until(() => reports.length === 2);
    expect(reports.at(-1)).toMatchObject({ type: 'given-up', attempts: 2, status: 503 });
    receiver.answer = (res) => void res.writeHead(410).end();
    await performed();
    await shop.until(() => reports.length === 3);
    expect(reports.at(-1)).toMatchObject({ type: 'given-up', attempts: 1, status: 410 });
    await closed(senders[0] as WebhookSender);
    const elsewhere = send({ url: async ({ id }) => `http://127.0.0.1:1/${id}` });
    await performed();
    await shop.until(() => elsewhere.reports.length === 1);
    expect(elsewhere.reports[0]).toMatchObject({
      type: 'given-up',
      message: expect.stringContaining('allow'),
    });
    expect(await shop.engine.store.list('webhook/', { limit: 10 })).toEqual([]);
  });

  it('does not follow a redirection', async () => {
    receiver.answer = (res, { path }) =>
      void (path === '/in' ? res.writeHead(307, { location: `${receiver.url}/else` }) : res).end();
    const { reports } = send({}, { maxAttempts: 1 });
    await begun();
    shop.app.use((_req, res) => void res.end());
    await performed();
    await shop.until(() => reports.length === 1);
    expect(reports[0]).toMatchObject({ type: 'given-up', status: 307 });
    expect(receiver.received).toHaveLength(1);
  });

  it('goes to no address that is not public, whatever a name resolves to, unless that is allowed', async () => {
    const { port } = new URL(receiver.url);
    const local = `http://localhost:${port}`;
    const { reports } = send(
      { url: `${local}/in` },
      { allow: [local], privateAddresses: false, maxAttempts: 1 },
    );
    await begun();
    shop.app.use((_req, res) => void res.end());
    await performed();
    await shop.until(() => reports.length === 1);
    expect(reports[0]).toMatchObject({
      type: 'given-up',
      message: expect.stringContaining('not a public one'),
    });
    expect(receiver.received).toEqual([]);
  });

  it('waits no longer than it may for a receiver that never answers, which does not hold up the others', async () => {
    const hanging = await startReceiver();
    hanging.answer = () => {};
    const { reports } = send(
      { url: ({ id }) => `${hung.has(id) ? hanging.url : receiver.url}/in` },
      { allow: [receiver.url, hanging.url], maxInFlight: 2, maxAttempts: 1, timeoutMs: 3_600_000 },
    );
    const hung = new Set<string>();
    await begun();
    shop.app.use((_req, res) => void res.end());
    shop.performer.start();
    for (let n = 0; n < 3; n += 1) hung.add((await shop.accept('/pay')).id);
    for (const id of hung) await shop.ended(id);
    await shop.until(() => hanging.received.length === 1);
    await performed();
    await shop.until(() => reports.some(({ type }) => type === 'delivered'));
    expect(hanging.received).toHaveLength(1);
    here.clock.advance(3_600_000);
    await shop.until(() => reports.some(({ type }) => type === 'given-up'));
    expect(reports.find(({ type }) => type === 'given-up')).toMatchObject({
      message: expect.stringContaining('no answer within'),
    });
    for (const sender of senders.splice(0)) await closed(sender);
    await hanging.close();
  });

  it('is sent by one of several hosts, and by another where that one ended before it was', async () => {
    const other = await here.open();
    const [one, two] = [send(), send({}, {}, other)];
    await begun();
    shop.app.use((_req, res) => void res.end());
    for (let n = 0; n < 5; n += 1) await performed();
    await shop.until(() => one.reports.length + two.reports.length === 5);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(5);
    expect(receiver.received).toHaveLength(5);
    receiver.answer = () => {};
    await performed();
    await shop.until(() => receiver.received.length === 6);
    receiver.answer = (res) => void res.end();
    for (const sender of senders.splice(0)) await closed(sender);
    const last = send();
    await shop.until(() => last.reports.length === 1);
    expect(last.reports[0]).toMatchObject({ type: 'delivered', attempts: 1 });
  });

  it('is asked for again where its function fails, and is none where that gives none', async () => {
    let asked = 0;
    const { reports, troubles } = send({
      url: () => {
        asked += 1;
        if (asked === 1) throw new Error('no');
        return asked === 2 ? receiver.url : undefined;
      },
    });
    await begun();
    shop.app.use((_req, res) => void res.end());
    await performed();
    await shop.until(() => reports.length === 2);
    expect(reports).toMatchObject([
      { type: 'failed', attempts: 1 },
      { type: 'delivered', attempts: 2 },
    ]);
    expect(troubles).toEqual(['asking for the url of a webhook']);
    await performed();
    await shop.until(() => asked === 3);
    await shop.until(async () => (await shop.engine.store.list('webhook/', { limit: 1 })).length === 0);
    expect(receiver.received).toHaveLength(1);
  });
});
