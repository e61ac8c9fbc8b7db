import { afterEach, describe, expect, it } from 'vitest';
import { unmeasured } from '../../../packages/middleware/src/measure/unmeasured.ts';
import { namedPartitions } from '../../../packages/middleware/src/options/named-partitions.ts';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { type GatedApp, overload, partition, post, serve } from './gated-app.ts';

let served: GatedApp | undefined;

afterEach(async () => {
  await served?.close();
  served = undefined;
});

describe('a gate that was told another partition than a route writes to', () => {
  it('warns once, with both names', async () => {
    served = await serve(
      (app, gate) => {
        app.use(gate);
        app.post('/orders', async (_req, res) => {
          await gate.latency.commit('orders', async () => {});
          res.end();
        });
      },
      { routes: { 'POST /orders': { workType: 'order', partition: 'order' } } },
    );
    const warnings: string[] = [];
    served.gate.on('warning', ({ code, message }) => warnings.push(`${code}: ${message}`));
    for (let i = 0; i < 3; i++) await post(`${served.url}/orders`, {});
    expect(warnings).toEqual([
      expect.stringMatching(/^partition-differs: POST \/orders writes to "orders", .* told "order"/),
    ]);
  });
});

describe('partitions that are judged and that nobody measures', () => {
  const resolved = resolveOptions({
    partition: 'a',
    routes: {
      'POST /b': { partition: ['b', 'a'] },
      'POST /c': { partition: () => 'c' },
      'POST /d': {},
    },
  });

  it('are known by the options that name them outright', () => {
    expect(namedPartitions(resolved)).toEqual(['a', 'b']);
  });

  it('are those without a source and without a commit', () => {
    const table = { read: (name: string) => ({ valueMs: 1, samples: name === 'a' ? 3 : 0, unfinished: 0 }) };
    expect(unmeasured(['a', 'b'], table)).toEqual(['b']);
  });
});

describe('the gate’s resources, mounted before authentication', () => {
  it('answer who has a capability, and let all other requests pass to it', async () => {
    served = await serve((app, gate) => {
      app.use(gate.resources);
      app.use((req, res, next) => {
        if (req.get('x-customer') === undefined) res.status(401).end();
        else next();
      });
      app.use(gate);
      app.use((_req, res) => void res.end());
    });
    await overload({ ...served, url: served.url });
    await post(`${served.url}/probe`, {}, { 'x-customer': 'ann' });
    const answer = await post(`${served.url}/orders`, {}, { 'x-customer': 'ann', prefer: 'respond-async' });
    expect(answer.status).toBe(202);
    const resource = await fetch(`${served.url}${answer.headers.get('operation-location')}`);
    expect(resource.status).toBe(200);
    expect(await resource.json()).toMatchObject({ partition, status: 'NotStarted' });
    expect((await post(`${served.url}/orders`, {})).status).toBe(401);
    expect((await fetch(`${served.url}/slackwater/health`)).status).toBe(200);
  });
});

describe('a request whose order can not be told', () => {
  it('is asked to retry later, for it might overtake what it must come after', async () => {
    const performed: string[] = [];
    served = await serve(
      (app, gate) => {
        app.use(gate);
        app.post('/orders', (_req, res) => {
          performed.push('order');
          res.end();
        });
      },
      {
        routes: {
          'POST /orders': {
            workType: 'order',
            orderKey: () => {
              throw new Error('no key');
            },
          },
        },
      },
    );
    const answer = await post(`${served.url}/orders`, {}, { 'x-customer': 'ann' });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ reasons: ['option-function-failed'] });
    expect(performed).toEqual([]);
  });
});
