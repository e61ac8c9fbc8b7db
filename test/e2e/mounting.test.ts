import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Gate, slackwater } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import { type PostgresServer, type SlowCommits, startPostgres } from '@slackwater/test-support/postgres';
import express, { type Express } from 'express';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expresses } from '../middleware/perform/expresses.ts';
import { eventually, post, prepareDatabase, usualOptions } from './orders-app.ts';

let server: PostgresServer;
let slow: SlowCommits;
let part = 0;
const undo: (() => Promise<unknown>)[] = [];

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

async function listen(app: Express): Promise<string> {
  const http: Server = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  undo.push(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

function poolOf(partition: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: server.connectionString });
  pool.on('error', () => {});
  observe(pool, { partition, ensure: true });
  undo.push(() => pool.end());
  return pool;
}

function insert(pool: pg.Pool): express.RequestHandler {
  return async (req, res) => {
    const reference = (req.body as { reference?: string } | undefined)?.reference ?? 'none';
    await pool.query('INSERT INTO orders (reference) VALUES ($1)', [reference]);
    res.status(201).json({ reference });
  };
}

function kept(gate: Gate): Gate {
  undo.push(() => gate.close());
  return gate;
}

async function countOf(pool: pg.Pool, reference: string): Promise<number> {
  const { rows } = await pool.query('SELECT count(*)::int AS n FROM orders WHERE reference = $1', [
    reference,
  ]);
  return rows[0].n;
}

describe.each(expresses)('a gate without options, on %s', (_, framework) => {
  it('learns which routes commit where, and asks them, and no others, to retry later', async () => {
    const pool = poolOf(`mounting ${++part}`);
    const gate = kept(slackwater());
    const app = framework();
    app.use(gate);
    app.use(express.json());
    const router = framework.Router();
    router.post('/:shop/orders', insert(pool));
    app.use('/shops', router);
    app.post('/echo', (req, res) => {
      res.json(req.body);
    });
    app.get('/orders', async (_req, res) => {
      res.json((await pool.query('SELECT 1')).rows);
    });
    const url = await listen(app);
    expect((await post(`${url}/shops/1/orders`, { reference: 'learn' })).status).toBe(201);
    await slow.set(400);
    await Promise.all(Array.from({ length: 8 }, (__, n) => post(`${url}/shops/${n}/orders`, {})));
    const answers = await Promise.all(
      Array.from({ length: 10 }, (__, n) => post(`${url}/shops/${n}/orders`, {})),
    );
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThanOrEqual(8);
    const bodies = await Promise.all(refused.map((answer) => answer.json()));
    expect(bodies[0]).toMatchObject({ workType: 'default' });
    // What was never seen to commit is not held back, and neither are reads.
    expect((await post(`${url}/echo`, { a: 1 })).status).toBe(200);
    expect((await fetch(`${url}/orders`)).status).toBe(200);
    await slow.set(0);
    await eventually(async () => expect((await post(`${url}/shops/1/orders`, {})).status).toBe(201));
  });
});

describe('one threshold and no categories', () => {
  it('are enough for all work (D-74)', async () => {
    const pool = poolOf(`mounting ${++part}`);
    const app = express();
    app.use(kept(slackwater({ thresholdMs: 50, partition: `mounting ${part}` })));
    app.use(express.json());
    app.post('/anything', insert(pool));
    const url = await listen(app);
    await slow.set(100);
    await Promise.all(Array.from({ length: 8 }, () => post(`${url}/anything`, {})));
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(`${url}/anything`, {})));
    expect(answers.filter(({ status }) => status === 503).length).toBeGreaterThanOrEqual(4);
  });
});

describe('deferrals are performed through the application', () => {
  async function deferred(url: string, path: string, reference: string): Promise<Response> {
    await slow.set(400);
    await Promise.all(Array.from({ length: 8 }, () => post(`${url}/payments`, {})));
    for (let n = 0; ; n++) {
      const answer = await post(
        `${url}${path}`,
        { reference: `${reference} ${n}` },
        { prefer: 'respond-async', 'x-customer': 'ann' },
      );
      if (answer.status === 202) {
        await slow.set(0);
        return answer;
      }
      expect(n).toBeLessThan(20);
    }
  }

  function optionsOf(partition: string, basePath: string): Parameters<typeof slackwater>[0] {
    const directory = `${server.dataDirectory}/../ledger-${partition.replace(' ', '-')}-${process.pid}`;
    const usual = usualOptions(partition, directory);
    const routes = Object.fromEntries(
      Object.entries(usual.routes ?? {}).map(([key, rule]) => [key.replace(' /', ` ${basePath}/`), rule]),
    );
    return { ...usual, routes };
  }

  it('that the gate’s own application was mounted on', async () => {
    const partition = `mounting ${++part}`;
    const pool = poolOf(partition);
    const api = express();
    api.use(kept(slackwater(optionsOf(partition, '/api'))));
    api.use(express.json());
    api.post('/payments', insert(pool));
    api.post('/orders', insert(pool));
    const outer = express();
    let seenOutside = 0;
    outer.use((_req, _res, next) => {
      seenOutside += 1;
      next();
    });
    outer.use('/api', api);
    const url = await listen(outer);
    const answer = await deferred(url, '/api/orders', 'nested');
    const location = answer.headers.get('operation-location') ?? '';
    expect(location).toMatch(/^\/api\/slackwater\/deferrals\//);
    const before = seenOutside;
    await eventually(async () => {
      expect((await (await fetch(`${url}${location}`)).json()).status).toBe('Succeeded');
    });
    expect(seenOutside).toBeGreaterThan(before);
  });

  it('that a gate on a router was attached to', async () => {
    const partition = `mounting ${++part}`;
    const pool = poolOf(partition);
    const app = express();
    const gate = kept(slackwater(optionsOf(partition, '/v1')));
    const router = express.Router();
    router.use(gate);
    router.use(express.json());
    router.post('/payments', insert(pool));
    router.post('/orders', insert(pool));
    app.use('/v1', router);
    gate.attach(app);
    const url = await listen(app);
    const answer = await deferred(url, '/v1/orders', 'routed');
    await eventually(async () => {
      const location = answer.headers.get('operation-location') ?? '';
      expect((await (await fetch(`${url}${location}`)).json()).status).toBe('Succeeded');
    });
  });

  it('and parked where no route takes them any more', async () => {
    const partition = `mounting ${++part}`;
    const pool = poolOf(partition);
    const app = express();
    const options = optionsOf(partition, '');
    app.use(kept(slackwater({ ...options, perform: { ...options?.perform, routeMissingForMs: 0 } })));
    app.use(express.json());
    app.post('/payments', insert(pool));
    const url = await listen(app);
    const answer = await deferred(url, '/orders', 'missing');
    const location = answer.headers.get('operation-location') ?? '';
    await eventually(async () => {
      const resource = await (await fetch(`${url}${location}`)).json();
      expect(resource).toMatchObject({ phase: 'parked', error: { code: 'route-missing' } });
    });
    expect(await countOf(pool, 'missing 0')).toBe(0);
  });

  it('with the success given ahead of the work where the work type says so (B-07)', async () => {
    const partition = `mounting ${++part}`;
    const pool = poolOf(partition);
    const app = express();
    const usual = optionsOf(partition, '');
    const order = { priority: 2, thresholdMs: 100, whenOver: 'defer', deferWithoutAsking: true } as const;
    const result = (req: express.Request) => ({
      status: 201,
      body: { reference: (req.body as { reference: string }).reference, pending: true },
    });
    app.use(
      kept(
        slackwater({
          ...usual,
          workTypes: { ...usual?.workTypes, order: { ...order, acknowledge: 'succeeded', result } },
        }),
      ),
    );
    app.use(express.json());
    app.post('/payments', insert(pool));
    app.post('/orders', insert(pool));
    const url = await listen(app);
    await slow.set(400);
    await Promise.all(Array.from({ length: 8 }, () => post(`${url}/payments`, {})));
    const answer = await eventually(async () => {
      const one = await post(`${url}/orders`, { reference: 'ahead' }, { 'x-customer': 'ann' });
      expect(one.headers.get('slackwater-deferred')).not.toBeNull();
      return one;
    });
    expect(answer.status).toBe(201);
    expect(await answer.json()).toEqual({ reference: 'ahead', pending: true });
    expect(answer.headers.get('slackwater-deferred')).toMatch(/^id="[0-9A-Z]{26}", portion=all$/);
    const location = answer.headers.get('operation-location') ?? '';
    await slow.set(0);
    await eventually(async () => {
      expect((await (await fetch(`${url}${location}`)).json()).status).toBe('Succeeded');
    });
  });

  it('unless validate refuses them before they are accepted', async () => {
    const partition = `mounting ${++part}`;
    const pool = poolOf(partition);
    const app = express();
    const usual = optionsOf(partition, '');
    const order = { priority: 2, thresholdMs: 100, whenOver: 'defer' } as const;
    const validate = (req: express.Request) =>
      (req.body as { reference?: string } | undefined)?.reference === undefined
        ? 'reference is missing'
        : undefined;
    app.use(
      kept(slackwater({ ...usual, workTypes: { ...usual?.workTypes, order: { ...order, validate } } })),
    );
    app.use(express.json());
    app.post('/payments', insert(pool));
    app.post('/orders', insert(pool));
    const url = await listen(app);
    await slow.set(400);
    await Promise.all(Array.from({ length: 8 }, () => post(`${url}/payments`, {})));
    const headers = { prefer: 'respond-async', 'x-customer': 'ann' };
    const refused = await eventually(async () => {
      const one = await post(`${url}/orders`, {}, headers);
      expect(one.status).toBe(422);
      return one;
    });
    expect(await refused.json()).toMatchObject({ code: 'request-invalid', detail: 'reference is missing' });
    expect((await post(`${url}/orders`, { reference: 'valid' }, headers)).status).toBe(202);
  });
});

describe('a gate that is closed', () => {
  it('lets everything through, and can be closed twice', async () => {
    const pool = poolOf(`mounting ${++part}`);
    const gate = slackwater({ partition: `mounting ${part}`, thresholdMs: 1 });
    const app = express();
    app.use(gate);
    app.use(express.json());
    app.post('/orders', insert(pool));
    const url = await listen(app);
    await Promise.all([gate.close(), gate.close()]);
    for (let i = 0; i < 8; i++) expect((await post(`${url}/orders`, {})).status).toBe(201);
  });
});
