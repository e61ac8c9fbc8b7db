import { isReplay, skipOnReplay } from '@slackwater/middleware';
import { type PostgresServer, type SlowCommits, startPostgres } from '@slackwater/test-support/postgres';
import type { Request, RequestHandler } from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
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

type Known = Request & { user?: { readonly name: string } };

/** Knows its callers by tokens, refuses all others, and counts how often it was asked. */
function authentication(): { readonly middleware: RequestHandler; readonly asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    middleware: (req, res, next) => {
      asked += 1;
      const name = /^Bearer (\w+)$/.exec(req.get('authorization') ?? '')?.[1];
      if (name === undefined) {
        res.status(401).end();
        return;
      }
      (req as Known).user = { name };
      next();
    },
  };
}

const nameOf = (req: Request): string | undefined => (req as Known).user?.name;

async function open(more: Partial<Parameters<typeof startOrders>[1]>): Promise<OrdersApp> {
  orders = await startOrders(server, { partition: `identity ${++part}`, ...more });
  return orders;
}

function settled(answer: Response): Promise<{ status: string; phase: string; error?: { code: string } }> {
  const url = `${orders.url}${answer.headers.get('operation-location')}`;
  return eventually(async () => {
    const resource = await (await fetch(url, { headers: { authorization: 'Bearer ann' } })).json();
    expect(['settled', 'parked']).toContain(resource.phase);
    return resource;
  });
}

describe('a request that came with credentials', () => {
  it('is not deferred where its identity can not be carried along', async () => {
    const { middleware } = authentication();
    await open({ before: [middleware], options: { requester: nameOf } });
    const authorization = 'Bearer ann';
    await slow.set(400);
    for (let i = 0; i < 8; i++) post(`${orders.url}/payments`, {}, { authorization }).catch(() => {});
    const answer = await eventually(async () => {
      const one = await post(`${orders.url}/orders`, {}, { authorization, prefer: 'respond-async' });
      expect(one.status).toBe(503);
      return one;
    });
    expect(((await answer.json()) as { reasons: string[] }).reasons).toEqual([
      'over-threshold',
      'identity-not-captured',
    ]);
  });

  it('is performed with its identity restored; its credentials are kept nowhere and not asked for again', async () => {
    const { middleware, asked } = authentication();
    const replayedWith: (string | undefined)[] = [];
    const told: Request['slackwater'][] = [];
    await open({
      before: [
        (req, _res, next) => {
          if (isReplay(req)) replayedWith.push(req.get('authorization'));
          next();
        },
        skipOnReplay(middleware),
      ],
      options: {
        requester: nameOf,
        capture: (req) => (req as Known).user,
        restore: (req, captured) => {
          told.push(req.slackwater);
          (req as Known).user = captured as { name: string };
        },
      },
    });
    const headers = { authorization: 'Bearer ann' };
    await slow.set(400);
    await Promise.all(Array.from({ length: 8 }, () => post(`${orders.url}/payments`, {}, headers)));
    let reference = '';
    let attempts = 0;
    let id = '';
    await eventually(async () => {
      reference = `hers ${++attempts}`;
      const one = await post(`${orders.url}/orders`, { reference }, { ...headers, prefer: 'respond-async' });
      expect(one.status).toBe(202);
      id = ((await one.json()) as { id: string }).id;
    });
    await slow.set(0);
    const before = asked();
    await eventually(async () => {
      const { rows } = await orders.pool.query('SELECT customer FROM orders WHERE reference = $1', [
        reference,
      ]);
      expect(rows).toEqual([{ customer: 'ann' }]);
    });
    expect(replayedWith).toEqual([undefined]);
    expect(told).toEqual([
      { replay: { id, attempt: 1, completionKey: expect.any(String), workType: expect.any(String) } },
    ]);
    expect(asked()).toBe(before);
  });

  it('is parked where its identity can not be restored', async () => {
    let reference = '';
    let attempts = 0;
    const { middleware } = authentication();
    await open({
      before: [skipOnReplay(middleware)],
      options: {
        requester: nameOf,
        capture: (req) => (req as Known).user,
        restore: () => {
          throw new Error('ann has left');
        },
      },
    });
    const headers = { authorization: 'Bearer ann' };
    await slow.set(400);
    await Promise.all(Array.from({ length: 8 }, () => post(`${orders.url}/payments`, {}, headers)));
    const answer = await eventually(async () => {
      reference = `lost ${++attempts}`;
      const one = await post(`${orders.url}/orders`, { reference }, { ...headers, prefer: 'respond-async' });
      expect(one.status).toBe(202);
      return one;
    });
    await slow.set(0);
    const resource = await settled(answer);
    expect(resource).toMatchObject({ phase: 'parked', error: { code: 'identity-not-restored' } });
    expect(await orders.counts()).not.toHaveProperty(reference);
  });
});

describe('a caller that tries to pose as a replay', () => {
  it.each([
    ['slackwater-replay', '1'],
    ['slackwater-deferred', 'id="01M7YE37YR891W3VTXJ3KWFNGH", portion=all'],
    ['x-slackwater-deferral', '01M7YE37YR891W3VTXJ3KWFNGH'],
    ['slackwater-outcome', 'final'],
  ])('with the header %s is judged like everybody else', async (name, value) => {
    const seen: boolean[] = [];
    await open({
      before: [
        (req, _res, next) => {
          seen.push(isReplay(req));
          next();
        },
      ],
    });
    await overUntilHealed(orders, slow);
    const answer = await post(`${orders.url}/orders`, {}, { 'x-customer': 'ann', [name]: value });
    expect(answer.status).toBe(503);
    expect(seen.every((replay) => !replay)).toBe(true);
  });
});

describe('a request of nobody', () => {
  it('is not deferred, and the reason is given', async () => {
    await open({});
    await overUntilHealed(orders, slow);
    const answer = await post(`${orders.url}/orders`, {}, { prefer: 'respond-async' });
    expect(((await answer.json()) as { reasons: string[] }).reasons).toEqual([
      'over-threshold',
      'requester-unknown',
    ]);
  });
});
