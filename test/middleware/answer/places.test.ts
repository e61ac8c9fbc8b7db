import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  commit,
  type Gate,
  isReplay,
  type SlackwaterOptions,
  skipOnReplay,
  slackwater,
  sqliteEngine,
} from '@slackwater/middleware';
import type express5 from 'express';
import type { Express, Request, RequestHandler } from 'express';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { expresses } from '../perform/expresses.ts';
import { pause, post } from './gated-app.ts';

type Framework = typeof express5;

const partition = 'places';
const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function gateOf(options: SlackwaterOptions): Gate {
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-places-'));
  const gate = slackwater({
    engine: sqliteEngine({ directory }),
    requester: (req) => req.get('x-customer'),
    capture: (req) => ({ name: req.get('x-customer') }),
    restore: (req, user) => void Reflect.set(req, 'user', user),
    perform: { lookEveryMs: 50 },
    // Of a busy machine's disk.
    ledger: { engineTimeoutMs: 10_000 },
    // Seldom, so that what a test sends is not by chance the probe.
    latency: { probeEveryMs: 60_000 },
    ...options,
  });
  undo.push(async () => {
    await gate.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return gate;
}

async function listen(app: Express): Promise<string> {
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  undo.push(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

/** Slow commits, until every gate of the process knows. */
async function overload(url: string, path: string): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, () => commit(partition, () => pause(40))));
  // The probe that is then due.
  await post(url + path, {}, asking);
}

async function heal(): Promise<void> {
  for (let n = 0; n < 12; n++) await commit(partition, () => pause(1));
}

const asking = { 'x-customer': 'ann', authorization: 'Bearer ann', prefer: 'respond-async' };

/** What the application is made of, besides the gate. */
interface Pieces {
  readonly framework: Framework;
  readonly authenticate: RequestHandler;
  readonly parse: RequestHandler;
  /** `POST /orders` and `POST /probe`. */
  readonly routes: (to: Pick<Express, 'post'>) => void;
}

interface Place {
  readonly name: string;
  /** Where the routes are, from the root. */
  readonly at: string;
  build(app: Express, gate: Gate, pieces: Pieces): void;
}

const places: readonly Place[] = [
  {
    name: 'before authentication and body parser',
    at: '',
    build(app, gate, { authenticate, parse, routes }) {
      app.use(gate, authenticate, parse);
      routes(app);
    },
  },
  {
    name: 'between authentication and body parser',
    at: '',
    build(app, gate, { authenticate, parse, routes }) {
      app.use(gate.resources, authenticate, gate, parse);
      routes(app);
    },
  },
  {
    name: 'behind authentication and body parser',
    at: '',
    build(app, gate, { authenticate, parse, routes }) {
      app.use(gate.resources, parse, authenticate, gate);
      routes(app);
    },
  },
  {
    name: 'on a path',
    at: '/api',
    build(app, gate, { authenticate, parse, routes, framework }) {
      app.use('/api', gate, authenticate, parse);
      const router = framework.Router();
      routes(router as unknown as Express);
      app.use('/api', router);
    },
  },
  {
    name: 'on a router with a parameter',
    at: '/v1/tenants/7',
    build(app, gate, { authenticate, parse, routes, framework }) {
      const router = framework.Router();
      router.use(gate, authenticate, parse);
      routes(router as unknown as Express);
      app.use('/v1', framework.Router().use('/tenants/:tenant', router));
      gate.attach(app);
    },
  },
  {
    name: 'on an application that is mounted on another',
    at: '/api',
    build(app, gate, { authenticate, parse, routes, framework }) {
      const inner = framework();
      inner.use(gate, authenticate, parse);
      routes(inner);
      app.use('/api', inner);
    },
  },
  {
    name: 'on two routers, of which the request takes one',
    at: '/external',
    build(app, gate, { authenticate, parse, routes, framework }) {
      for (const path of ['/internal', '/external']) {
        const router = framework.Router();
        router.use(gate, authenticate, parse);
        routes(router as unknown as Express);
        app.use(path, router);
      }
      gate.attach(app);
    },
  },
  {
    name: 'twice on the way of one request',
    at: '/api',
    build(app, gate, { authenticate, parse, routes, framework }) {
      app.use(gate);
      const router = framework.Router();
      router.use(authenticate, gate, parse);
      routes(router as unknown as Express);
      app.use('/api', router);
    },
  },
];

describe.each(expresses)('on %s, a gate', (name, framework) => {
  // Where Express 4 mounts differently; in front of and behind other middleware the two are alike.
  const telling = places.filter(({ at }) => at !== '' || name === 'Express 5');

  it.each(telling)('$name judges each request once, and performs what it deferred', async ({ at, build }) => {
    const gate = gateOf({
      workTypes: { order: { priority: 1, thresholdMs: 20, whenOver: 'defer' } },
      partition,
    });
    const seen: unknown[] = [];
    const app = framework();
    build(app, gate, {
      framework,
      authenticate: skipOnReplay((req, res, next) => {
        if (req.get('authorization') !== 'Bearer ann') res.status(401).end();
        else {
          Reflect.set(req, 'user', { name: 'ann' });
          next();
        }
      }),
      parse: framework.json(),
      routes(to) {
        to.post('/probe', (_req, res) => void res.end());
        to.post('/orders', (req: Request, res) => {
          seen.push({ replay: isReplay(req), user: Reflect.get(req, 'user'), body: req.body as unknown });
          res.status(201).json({ done: true });
        });
      },
    });
    const url = await listen(app);
    await gate.start();
    const decisions: string[] = [];
    gate.on('decision', ({ decision }) => decisions.push(decision));

    expect((await post(`${url}${at}/orders`, { n: 1 }, asking)).status).toBe(201);
    expect((await post(`${url}${at}/orders`, { n: 0 }, { 'x-customer': 'eve' })).status).toBe(401);
    await overload(url, `${at}/probe`);
    decisions.length = 0;
    const answer = await post(`${url}${at}/orders`, { n: 2 }, asking);
    expect(answer.status).toBe(202);
    expect(decisions).toEqual(['defer']);
    const { id } = (await answer.json()) as { id: string };
    await heal();
    await vi.waitFor(async () => expect((await gate.deferrals.find(id))?.status).toBe('Succeeded'), {
      timeout: 30_000,
    });
    expect(seen).toEqual([
      { replay: false, user: { name: 'ann' }, body: { n: 1 } },
      { replay: true, user: { name: 'ann' }, body: { n: 2 } },
    ]);
    const outcome = await fetch(new URL(answer.headers.get('location') ?? '', url));
    expect([outcome.status, await outcome.json()]).toEqual([201, { done: true }]);
  });

  it('for callers of the house and another for those from outside judge by the same commits, each by its own rules (D-61)', async () => {
    const internal = gateOf({
      application: 'internal',
      workTypes: { any: { priority: 1, thresholdMs: 1_000 } },
      partition,
    });
    const external = gateOf({
      application: 'external',
      workTypes: { any: { priority: 1, thresholdMs: 20, whenOver: 'defer' } },
      partition,
    });
    const app = framework();
    const performed: string[] = [];
    for (const [path, gate] of [
      ['/internal', internal],
      ['/external', external],
    ] as const) {
      const router = framework.Router();
      router.use(gate, framework.json());
      router.post('/probe', (_req, res) => void res.end());
      router.post('/orders', (req, res) => {
        performed.push(`${path} ${isReplay(req)}`);
        res.status(201).end();
      });
      app.use(path, router);
      gate.attach(app);
    }
    const url = await listen(app);
    await external.start();
    await overload(url, '/external/probe');
    expect((await post(`${url}/internal/orders`, {}, asking)).status).toBe(201);
    const answer = await post(`${url}/external/orders`, {}, asking);
    expect(answer.status).toBe(202);
    expect((await post(`${url}/external/orders`, {}, { 'x-customer': 'ann' })).status).toBe(503);
    const { id } = (await answer.json()) as { id: string };
    // Each has a ledger of its own, and shows it below its own path.
    expect(await internal.deferrals.find(id)).toBeUndefined();
    const location = answer.headers.get('operation-location') ?? '';
    expect(location).toMatch(/^\/external\/slackwater\/deferrals\//);
    expect((await fetch(url + location)).status).toBe(200);
    expect((await fetch(url + location.replace('external', 'internal'))).status).toBe(404);
    await heal();
    await vi.waitFor(() => expect(performed).toEqual(['/internal false', '/external true']), {
      timeout: 30_000,
    });
  });

  it('that is closed leaves another of the same application at work', async () => {
    const options = { workTypes: { any: { priority: 1, thresholdMs: 20 } }, partition } as const;
    const [first, second] = [
      gateOf({ ...options, application: 'one' }),
      gateOf({ ...options, application: 'two' }),
    ];
    const app = framework();
    app.use(first, second);
    app.post('/probe', (_req, res) => void res.end());
    app.post('/orders', (_req, res) => void res.status(201).end());
    const url = await listen(app);
    await first.close();
    await overload(url, '/probe');
    expect((await post(`${url}/orders`, {})).status).toBe(503);
    await second.close();
    expect((await post(`${url}/orders`, {})).status).toBe(201);
  });
});
