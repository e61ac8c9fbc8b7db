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

describe('DELETE /requesters/:requester', () => {
  it('erases a requester for an administrator who says what for, and hides from all others that it could', async () => {
    const wishes: unknown[] = [];
    let pending = true;
    const own = await open({
      records: {
        async erase(requester, asked) {
          wishes.push([requester, asked]);
          if (pending) return { status: 'pending', requester: 'pseudonym', unsettled: 1 };
          return { status: 'erased', requester: 'pseudonym' };
        },
      },
    });
    const erase = (query: string): request.Test =>
      request(own.app)
        .delete(`${base}/requesters/alice%40example.com%2Fx${query}`)
        .set('Authorization', own.token('admin'));
    for (const query of ['', '?purpose=', '?purpose=a&purpose=b', `?purpose=${'x'.repeat(501)}`]) {
      const { body } = await erase(query).expect(400);
      expect(body).toMatchObject({ code: 'parameter-invalid', detail: expect.stringContaining('purpose') });
    }
    expect(wishes).toEqual([]);
    const waiting = await erase('?purpose=request%204711').expect(202);
    const group = { group: 'default', requester: 'pseudonym' };
    expect(waiting.body).toEqual({
      status: 'pending',
      groups: [{ ...group, status: 'pending', unsettled: 1 }],
    });
    expect(waiting.headers['retry-after']).toBe('2');
    pending = false;
    const done = await erase('?purpose=request%204711').expect(200);
    expect(done.body).toEqual({ status: 'erased', groups: [{ ...group, status: 'erased' }] });
    const by = expect.stringMatching(/^token:/);
    expect(wishes.at(-1)).toEqual(['alice@example.com/x', { by, purpose: 'request 4711' }]);
    for (const scope of ['audit:read', 'audit:reveal']) {
      await erase('?purpose=x').set('Authorization', own.token(scope)).expect(404);
    }
    await request(own.app).delete(`${base}/requesters/alice?purpose=x`).expect(404);
    expect(wishes).toHaveLength(2);
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

describe('/queues', () => {
  it('show what waits in each group, and are paused, resumed and drained, whole or by partition, by admins', async () => {
    const own = await open();
    await own.accept({ partition: 'shard/1 ä' });
    await own.accept({ partition: 'payments' });
    const oldestAt = expect.stringMatching(/^20.*Z$/);
    const lastMinute = { performed: 0, failed: 0, retrying: 0, postponed: 0, parked: 0 };
    const shard = `${base}/queues/default/partitions/${encodeURIComponent('shard/1 ä')}`;
    const admin = { Authorization: own.token('admin') };
    const by = { by: expect.stringMatching(/^token:/), at: expect.stringMatching(/^20.*Z$/) };
    const { body: before } = await request(own.app)
      .get(`${base}/queues`)
      .set('Authorization', own.token('audit:read'))
      .expect(200);
    expect(before.queues).toHaveLength(1);
    expect(before.queues[0].partitions).toEqual(
      expect.arrayContaining([
        { partition: 'shard/1 ä', items: 1, performing: 0, oldestAt, lastMinute },
        { partition: 'payments', items: 1, performing: 1, atOnce: 4, oldestAt, lastMinute },
      ]),
    );
    const { body: one } = await request(own.app).put(shard).set(admin).send({ paused: true }).expect(200);
    expect(one.partitions).toContainEqual({
      ...{ partition: 'shard/1 ä', items: 1, performing: 0, paused: by },
      ...{ oldestAt, lastMinute },
    });
    const { body: all } = await request(own.app)
      .put(`${base}/queues/default`)
      .set(admin)
      .send({ paused: true })
      .expect(200);
    expect(all).toMatchObject({ group: 'default', paused: by });
    expect(own.woken).toEqual([]);
    const resumed = await request(own.app).put(`${base}/queues/default`).set(admin).send({ paused: false });
    // A partition that was paused by itself stays so.
    expect([resumed.body.paused, resumed.body.partitions.find(isShard).paused]).toEqual([undefined, by]);
    await request(own.app).put(shard).set(admin).send({ paused: false }).expect(200);
    await request(own.app).post(`${shard}/drain`).set(admin).expect(202);
    await request(own.app).post(`${base}/queues/default/drain`).set(admin).expect(202);
    expect(own.woken).toEqual(['(all)', 'shard/1 ä', 'shard/1 ä', '(all)']);
  });

  const isShard = ({ partition }: { readonly partition: string }): boolean => partition === 'shard/1 ä';

  it('refuse what says nothing, and are not there for others', async () => {
    const own = await open();
    const put = (path: string): request.Test => request(own.app).put(`${base}/queues/${path}`);
    const admin = own.token('admin');
    for (const body of [{}, { paused: 'yes' }, { paused: true, until: 5 }, []]) {
      const { body: problem } = await put('default')
        .set('Authorization', admin)
        .send(body as object)
        .expect(422);
      expect(problem).toMatchObject({
        code: 'change-refused',
        detail: expect.stringContaining('{"paused": true}'),
      });
    }
    await put('default')
      .set('Authorization', admin)
      .send('{')
      .set('Content-Type', 'application/json')
      .expect(400);
    await put('nobody').set('Authorization', admin).send({ paused: true }).expect(404);
    await put(`default/partitions/${'x'.repeat(201)}`)
      .set('Authorization', admin)
      .send({ paused: true })
      .expect(404);
    await put('default').set('Authorization', own.token('audit:read')).send({ paused: true }).expect(404);
    await put('default').send({ paused: true }).expect(404);
    await request(own.app).get(`${base}/queues`).expect(404);
    await request(own.app).post(`${base}/queues/default/drain`).expect(404);
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
