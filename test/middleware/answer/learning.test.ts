import { createSecretKey, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Gate, type SlackwaterOptions, slackwater } from '@slackwater/middleware';
import express5, { type Express, type RequestHandler } from 'express';
import jwt from 'jsonwebtoken';
import { afterEach, describe, expect, it } from 'vitest';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { expresses } from '../perform/expresses.ts';
import { pause, post } from './gated-app.ts';

type Framework = typeof express5;

const partition = 'learning';
const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A route that commits. */
const commits: RequestHandler = (_req, res) => {
  requestContext.getStore()?.wrote(partition);
  res.json({});
};
const reads: RequestHandler = (_req, res) => void res.json({});

interface Served {
  readonly gate: Gate;
  readonly url: string;
  /** Whether the gate knows where a POST to that path commits. */
  knows(path: string): Promise<boolean>;
}

async function serve(
  framework: Framework,
  build: (app: Express, gate: Gate, framework: Framework) => void,
  options: SlackwaterOptions = {},
): Promise<Served> {
  const gate = slackwater({ thresholdMs: 20, latency: { probeEveryMs: 60_000 }, ...options });
  const app = framework();
  build(app, gate, framework);
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  undo.push(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    await gate.close();
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    gate,
    url,
    async knows(path) {
      let known = false;
      const end = gate.on('decision', (event) => {
        known = event.partition === partition;
      });
      await post(url + path, {});
      end();
      return known;
    },
  };
}

interface Layout {
  readonly name: string;
  build(app: Express, framework: Framework): void;
  /** Seen to commit. */
  readonly first: string;
  /** On the same route. */
  readonly alike: readonly string[];
  /** On others, or on none. */
  readonly others: readonly string[];
}

const layouts: readonly Layout[] = [
  {
    name: 'a route of the application',
    build: (app) => app.post('/orders/:id', commits).post('/orders', reads),
    first: '/orders/1',
    alike: ['/orders/2', '/Orders/3/'],
    others: ['/orders', '/orders/1/notes'],
  },
  {
    name: 'a route with two handlers in a router mounted with a parameter',
    build(app, { Router }) {
      const router = Router()
        .post('/orders/:id', (_req, _res, next) => next(), commits)
        .post('/carts/:id', reads);
      app.use('/shops/:shop', router);
    },
    first: '/shops/1/orders/1',
    alike: ['/shops/2/orders/2', '/shops/shops/orders/orders'],
    others: ['/shops/1/carts/1', '/shops/1/orders'],
  },
  {
    name: 'a router in a router, with merged parameters',
    build(app, { Router }) {
      const inner = Router({ mergeParams: true });
      inner.route('/:id').post(commits).put(reads);
      app.use('/v1', Router().use('/tenants/:tenant/orders', inner));
    },
    first: '/v1/tenants/a/orders/1',
    alike: ['/v1/tenants/b/orders/2'],
    others: ['/v1/tenants/a/orders', '/v2/tenants/a/orders/1'],
  },
  {
    name: 'an application mounted on an application',
    build(app, framework) {
      app.use('/other', framework().post('/orders/:id', reads));
      app.use('/api/:version', framework().post('/orders/:id', commits).post('/carts/:id', reads));
    },
    first: '/api/1/orders/1',
    alike: ['/api/2/orders/2'],
    others: ['/other/orders/1', '/api/1/carts/1'],
  },
  {
    name: 'an application mounted on a router',
    build(app, framework) {
      const inner = framework().post('/orders/:id', commits);
      app.use('/api', framework.Router().use('/v1', inner));
    },
    first: '/api/v1/orders/1',
    alike: ['/api/v1/orders/2'],
    others: ['/v1/orders/1'],
  },
  {
    name: 'a route with several paths',
    build: (app) => app.post(['/a/:id', '/b/:id'], commits).post('/c/:id', reads),
    first: '/a/1',
    alike: ['/a/2', '/b/1'],
    others: ['/c/1'],
  },
  {
    name: 'a router with several paths',
    build: (app, { Router }) => app.use(['/a', '/b'], Router().post('/:id', commits)),
    first: '/a/1',
    alike: ['/a/2', '/b/1'],
    others: ['/c/1'],
  },
  {
    name: 'a route by an expression',
    build: (app) => app.post(/^\/items\/(\d+)$/, commits).post('/items/:name', reads),
    first: '/items/1',
    alike: ['/items/22'],
    others: ['/items/a', '/items/'],
  },
  {
    name: 'a router by an expression',
    build: (app, { Router }) => app.use(/^\/x\d/, Router().post('/:id', commits)),
    first: '/x1/1',
    alike: ['/x2/2'],
    others: ['/xx/1'],
  },
  {
    name: 'what no route takes, but a handler of a path',
    build: (app) => app.use('/graphql', commits),
    first: '/graphql',
    alike: ['/graphql'],
    others: ['/graphql/other', '/'],
  },
];

describe.each(expresses)('without options, on %s,', (_, framework) => {
  it.each(layouts)('where $name commits is learned', async ({ build, first, alike, others }) => {
    const { knows } = await serve(framework, (app, gate, it) => {
      app.use(gate);
      build(app, it);
    });
    expect(await knows(first)).toBe(false);
    for (const path of others) expect([path, await knows(path)]).toEqual([path, false]);
    for (const path of [first, ...alike]) expect([path, await knows(path)]).toEqual([path, true]);
  });

  it.each(layouts)('where $name commits is learned by a gate on a router', async (layout) => {
    const { knows } = await serve(framework, (app, gate, it) => {
      const router = it.Router();
      router.use(gate);
      app.use('/inner', router);
      const inner = it();
      layout.build(inner, it);
      router.use(inner);
    });
    expect(await knows(`/inner${layout.first}`)).toBe(false);
    for (const path of layout.others) expect([path, await knows(`/inner${path}`)]).toEqual([path, false]);
    for (const path of layout.alike) expect([path, await knows(`/inner${path}`)]).toEqual([path, true]);
  });

  it('what writes before the route, as sessions do, counts for the route that takes the request', async () => {
    const { knows } = await serve(framework, (app, gate) => {
      app.use(gate);
      app.use('/', (_req, _res, next) => {
        requestContext.getStore()?.wrote(partition);
        next();
      });
      app.post('/orders/:id', reads);
    });
    expect(await knows('/orders/1')).toBe(false);
    expect(await knows('/orders/2')).toBe(true);
    expect(await knows('/made-up/1')).toBe(false);
    expect(await knows('/made-up/2')).toBe(false);
  });

  it('a route that was never seen to commit is not held back for one that would match its path too', async () => {
    const { gate, url } = await serve(framework, (app, gate, { Router }) => {
      app.use(gate);
      app.use('/v1', Router().post('/orders/preview', reads).post('/orders/:id', commits));
    });
    await post(`${url}/v1/orders/1`, {});
    await Promise.all(Array.from({ length: 6 }, () => gate.latency.commit(partition, () => pause(30))));
    // The probe.
    await post(`${url}/v1/orders/2`, {});
    expect((await post(`${url}/v1/orders/3`, {})).status).toBe(503);
    expect((await post(`${url}/v1/orders/preview`, {})).status).toBe(200);
    expect((await post(`${url}/v1/orders/4`, {})).status).toBe(503);
  });

  it('a route that commits to several partitions is judged by the worst (D-67)', async () => {
    const { gate, url } = await serve(framework, (app, gate) => {
      app.use(gate);
      app.post('/orders/:id', (_req, res) => {
        for (const each of ['quick', partition]) requestContext.getStore()?.wrote(each);
        res.json({});
      });
    });
    await post(`${url}/orders/1`, {});
    await Promise.all(Array.from({ length: 6 }, () => gate.latency.commit(partition, () => pause(30))));
    await Promise.all(Array.from({ length: 6 }, () => gate.latency.commit('quick', () => pause(1))));
    // The probe.
    await post(`${url}/orders/2`, {});
    expect((await post(`${url}/orders/3`, {})).status).toBe(503);
  });

  it('a request that its route hands on is known by the one that takes it', async () => {
    const { knows } = await serve(framework, (app, gate) => {
      app.use(gate);
      app.post(
        '/orders/:id',
        (req, _res, next) => next(req.params['id'] === '1' ? 'route' : undefined),
        reads,
      );
      app.post('/orders/1', commits);
    });
    await knows('/orders/1');
    expect(await knows('/orders/1')).toBe(true);
    expect(await knows('/orders/2')).toBe(false);
  });

  it('what was learned is shown to administrators, by whole patterns', async () => {
    const issued = { audience: 'https://shop.example', issuer: 'https://login.example' };
    const key = createSecretKey(randomBytes(32));
    const { url } = await serve(
      framework,
      (app, gate, { Router }) => {
        app.use(gate);
        app.use('/shops/:shop', Router().post('/orders/:id', commits));
        app.post(/^\/items\/\d+$/, commits);
        app.use('/graphql', commits);
      },
      { auth: { key, algorithms: ['HS256'], ...issued } },
    );
    for (const path of ['/shops/1/orders/2', '/shops/2/orders/3', '/items/4', '/graphql'])
      await post(url + path, {});
    const token = jwt.sign({ scope: 'admin' }, key, { ...issued, expiresIn: 60 });
    const answer = await fetch(`${url}/slackwater/partitions`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { learnedRoutes } = (await answer.json()) as { learnedRoutes: unknown };
    const partitions = [{ partition, quietMs: expect.any(Number) }];
    expect(learnedRoutes).toEqual([
      { route: 'POST /graphql', partitions },
      { route: 'POST /shops/:shop/orders/:id', partitions },
      { route: 'POST (/^\\/items\\/\\d+$/)', partitions },
    ]);
  });

  it('a path that can not be decoded is nobody’s', async () => {
    const { knows, url } = await serve(framework, (app, gate) => {
      app.use(gate);
      app.post('/orders/:id', commits);
    });
    await knows('/orders/1');
    await knows('/orders/%zz');
    expect((await post(`${url}/orders/%zz`, {})).status).toBe(400);
    expect(await knows('/orders/2')).toBe(true);
  });
});

describe('a partition that was said', () => {
  it('counts, whatever was learned', async () => {
    const gate = slackwater({ partition: (req) => (req.get('x-say') ? 'said' : undefined) });
    undo.push(() => gate.close());
    const app = express5();
    app.use(gate);
    app.post('/orders', commits);
    const http = createServer(app);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    undo.push(() => new Promise((resolve) => http.close(resolve)));
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const judged: (string | undefined)[] = [];
    gate.on('decision', (event) => judged.push(event.partition));
    await post(`${url}/orders`, {});
    await post(`${url}/orders`, {});
    await post(`${url}/orders`, {}, { 'x-say': 'yes' });
    expect(judged).toEqual([undefined, partition, 'said']);
  });
});

describe('a URL that was rewritten behind the gate', () => {
  it('is known by the path that it came with', async () => {
    const { knows } = await serve(express5, (app, gate) => {
      app.use(gate);
      app.use((req, _res, next) => {
        req.url = req.url.replace('/old', '/new');
        next();
      });
      app.post('/new/:id', commits);
    });
    await knows('/old/1');
    expect(await knows('/old/1')).toBe(true);
    expect(await knows('/old/2')).toBe(false);
  });
});
