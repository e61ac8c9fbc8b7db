import { createSecretKey } from 'node:crypto';
import type { DecisionEvent } from '@slackwater/middleware';
import jwt from 'jsonwebtoken';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GatedApp, overload, partition, pause, post, serve } from './gated-app.ts';

const key = createSecretKey(Buffer.alloc(32, 1));
const claims = { audience: 'slackwater', issuer: 'tests' };
const keyed = { 'idempotency-key': '"one"' };

describe('a caller that comes back when it was asked to', () => {
  let served: GatedApp;
  const decisions: DecisionEvent[] = [];

  beforeAll(async () => {
    served = await serve(
      (app, gate) => {
        gate.on('decision', (decision) => decisions.push(decision));
        app.use(gate);
        app.post('/work', (_req, res) => void res.status(201).end());
      },
      {
        workTypes: { order: { priority: 1, thresholdMs: 30 } },
        // Long enough that nobody is the probe by chance; the wait is made of it.
        latency: { probeEveryMs: 1_000 },
        retryAfterCapMs: 1_000,
        auth: { key, algorithms: ['HS256'], ...claims },
      },
    );
    await overload(served);
    decisions.splice(0);
  });
  afterAll(() => served.close());

  it('is recognised by its Idempotency-Key, and counted by whether it succeeds', async () => {
    const { url } = served;
    const asked = await post(`${url}/work`, {}, keyed);
    await post(`${url}/work`, {});
    const early = await post(`${url}/work`, {}, keyed);
    expect([asked.status, early.status]).toEqual([503, 503]);
    await pause(Number(early.headers.get('slackwater-retry-after-ms')) + 10);
    await post(`${url}/work`, {}, keyed);
    expect(decisions.map(({ returned }) => returned)).toEqual([undefined, undefined, undefined, true]);
    const succeeded = decisions.at(-1)?.decision === 'perform' ? 1 : 0;
    const token = jwt.sign({ scope: 'audit:read' }, key, { ...claims, expiresIn: 60 });
    const answer = await fetch(`${url}/slackwater/partitions`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { partitions } = (await answer.json()) as { partitions: object[] };
    expect(partitions).toMatchObject([
      { partition, returns: { returned: 1, succeeded, share: expect.any(Number) } },
    ]);
  });
});
