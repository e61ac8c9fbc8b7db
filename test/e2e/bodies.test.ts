import { connect, type Socket } from 'node:net';
import { type PostgresServer, type SlowCommits, startPostgres } from '@slackwater/test-support/postgres';
import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
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
let orders: OrdersApp;
let part = 0;
const asking = { prefer: 'respond-async', 'x-customer': 'ann' };
const parsers = [express.json(), express.urlencoded({ extended: true }), express.raw({ type: 'text/plain' })];

beforeAll(async () => {
  server = await startPostgres();
  slow = await prepareDatabase(server);
});

afterEach(async () => {
  await slow.set(0);
  await orders.close();
});

afterAll(async () => {
  await server.stop();
});

async function openOver(more: Partial<Parameters<typeof startOrders>[1]>): Promise<OrdersApp> {
  orders = await startOrders(server, { partition: `bodies ${++part}`, ...more });
  await overUntilHealed(orders, slow);
  return orders;
}

async function reasonsOf(answer: Response): Promise<string[]> {
  expect(answer.status).toBe(503);
  return ((await answer.json()) as { reasons: string[] }).reasons;
}

async function performedNote(reference: string): Promise<unknown> {
  await slow.set(0);
  return eventually(async () => {
    const { rows } = await orders.pool.query('SELECT note FROM orders WHERE reference = $1', [reference]);
    expect(rows).toHaveLength(1);
    return rows[0].note;
  });
}

describe.each(expresses)('on %s, a body', (name, framework) => {
  it.each([
    ['before the body parser', []],
    ['after the body parser', parsers],
  ])('is captured by a gate %s', async (where, before) => {
    await openOver({ express: framework, before });
    const reference = `${name} ${where}`;
    const answer = await post(`${orders.url}/orders`, { reference, note: 'tide \u{1F30A} "high"' }, asking);
    expect(answer.status).toBe(202);
    expect(await performedNote(reference)).toBe('tide \u{1F30A} "high"');
  });

  it('of a form is encoded anew after a parser', async () => {
    await openOver({ express: framework, before: parsers });
    const reference = `${name} form`;
    const answer = await fetch(`${orders.url}/orders`, {
      method: 'POST',
      headers: { ...asking, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ reference, note: 'a&b=c d' }).toString(),
    });
    expect(answer.status).toBe(202);
    expect(await performedNote(reference)).toBe('a&b=c d');
  });
});

describe('a body', () => {
  it('that a parser made something else of than JSON or a form is not captured, and the reason is given', async () => {
    await openOver({ before: parsers });
    const answer = await fetch(`${orders.url}/orders`, {
      method: 'POST',
      headers: { ...asking, 'content-type': 'text/plain' },
      body: 'plain',
    });
    expect(await reasonsOf(answer)).toEqual(['over-threshold', 'body-not-capturable']);
  });

  it.each([
    ['said to be', true],
    ['found to be', false],
  ])('%s longer than maxBodyBytes is not captured, and the reason is given', async (_, sized) => {
    await openOver({ options: { maxBodyBytes: 1_000 } });
    const text = JSON.stringify({ reference: 'big', note: 'x'.repeat(2_000) });
    const answer = await fetch(`${orders.url}/orders`, {
      method: 'POST',
      headers: { ...asking, 'content-type': 'application/json' },
      ...(sized ? { body: text } : { body: new Blob([text]).stream(), duplex: 'half' as never }),
    });
    expect(await reasonsOf(answer)).toEqual(['over-threshold', 'body-too-large']);
    const small = await post(`${orders.url}/orders`, { reference: 'small' }, asking);
    expect(small.status).toBe(202);
  });

  it('that is cut off is recorded by nobody', async () => {
    await openOver({});
    const before = (await orders.gate.audit.deferrals()).deferrals.length;
    const socket = await halfARequest(orders.url);
    socket.destroy();
    await post(`${orders.url}/orders`, { reference: 'whole' }, asking);
    const after = (await orders.gate.audit.deferrals()).deferrals.length;
    expect(after).toBe(before + 1);
    expect(await orders.counts()).not.toHaveProperty('cut');
  });

  it('of many bytes that are no text comes to the route as it was sent', async () => {
    await openOver({});
    const bytes = Buffer.from('octets \u0001\u0002 \u{1F30A}');
    const answer = await fetch(`${orders.url}/orders`, {
      method: 'POST',
      headers: { ...asking, 'content-type': 'application/octet-stream' },
      body: bytes,
    });
    expect(answer.status).toBe(202);
    await slow.set(0);
    await eventually(async () => expect(await orders.counts()).toHaveProperty(bytes.toString()));
  });
});

describe('a gate after a body parser', () => {
  it('warns once', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error & { code?: string }): void => {
      if (warning.name === 'SlackwaterWarning') warnings.push(warning.code ?? '');
    };
    process.on('warning', listen);
    try {
      await openOver({ before: parsers });
      await post(`${orders.url}/orders`, { reference: 'w1' }, asking);
      await post(`${orders.url}/orders`, { reference: 'w2' }, asking);
      await eventually(() => expect(warnings).toEqual(['gate-after-body-parser']));
    } finally {
      process.off('warning', listen);
    }
  });
});

/** Sends the beginning of a request whose body is never finished. */
async function halfARequest(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once('connect', resolve));
  const head = [
    'POST /orders HTTP/1.1',
    'Host: x',
    'Prefer: respond-async',
    'X-Customer: ann',
    'Content-Type: application/json',
    'Content-Length: 500',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n{"reference":"cut"`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  return socket;
}
