import request from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { resourceLimits } from '../../../../packages/middleware/src/answer/resources/limits.ts';
import { until } from '../../perform/until.ts';
import { base, type Office, type OfficeSetup, office } from './office.ts';

let desk: Office | undefined;
afterEach(() => desk?.close());

async function open(setup?: OfficeSetup): Promise<Office> {
  desk = await office(setup);
  return desk;
}

describe('GET /partitions', () => {
  it('is the latency table, and what was learned of routes, for auditors and admins', async () => {
    const own = await open();
    const get = (): request.Test => request(own.app).get(`${base}/partitions`);
    for (const scope of ['audit:read', 'admin']) {
      const { body } = await get().set('Authorization', own.token(scope)).expect(200);
      expect(body).toEqual({
        partitions: [{ partition: 'payments', valueMs: 12.5 }],
        learnedRoutes: [{ route: 'POST /orders/:id', partitions: [{ partition: 'payments', quietMs: 40 }] }],
        shadow: {},
      });
    }
    await get().expect(404);
    await get().set('Authorization', own.token('audit:reveal')).expect(404);
  });
});

describe('GET /batches', () => {
  it('says how batches stand, to auditors and admins', async () => {
    const own = await open();
    const get = (): request.Test => request(own.app).get(`${base}/batches`);
    for (const scope of ['audit:read', 'admin']) {
      const { body } = await get().set('Authorization', own.token(scope)).expect(200);
      expect(body).toEqual({ batches: [{ name: 'settlements', state: 'waiting' }] });
    }
    await get().expect(404);
    await get().set('Authorization', own.token('audit:reveal')).expect(404);
  });
});

describe('GET /health', () => {
  it.each([
    ['ready', 200],
    ['degraded', 200],
    ['starting', 503],
  ] as const)('says %s with %i, to anybody, also without a ledger and auth', async (status, code) => {
    const health = async (): Promise<{ status: typeof status; details: Record<string, unknown> }> => ({
      status,
      details: { queued: 3, status: 'not this' },
    });
    const own = await open({ parts: { health, records: undefined, verifyToken: undefined } });
    const { body, headers } = await request(own.app).get(`${base}/health`).expect(code);
    expect(body).toEqual({ status, queued: 3, batches: { waiting: 1 } });
    expect(headers['cache-control']).toBe('no-store');
  });

  it('is degraded, and tells nobody why, where it can not be told', async () => {
    const health = (): Promise<never> => Promise.reject(new Error('hunter2'));
    const own = await open({ parts: { health } });
    const { body } = await request(own.app).get(`${base}/health`).expect(200);
    expect(body).toEqual({ status: 'degraded', batches: { waiting: 1 } });
    expect(own.troubles).toHaveLength(1);
  });

  it('is answered also where it hangs', async () => {
    const own = await open({ parts: { health: () => new Promise(() => {}) } });
    const answer = request(own.app)
      .get(`${base}/health`)
      .then(({ body }) => body);
    await until(() => own.clock.pending === 1);
    own.clock.advance(resourceLimits.askMs);
    expect(await answer).toEqual({ status: 'degraded', batches: { waiting: 1 } });
  });
});
