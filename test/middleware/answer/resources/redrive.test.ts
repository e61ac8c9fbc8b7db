import request from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { base, nobodys, type Office, office } from './office.ts';

let desk: Office | undefined;
afterEach(() => desk?.close());

async function open(): Promise<Office> {
  desk = await office();
  return desk;
}

async function parkedOne(own: Office, code: 'route-missing' | 'record-corrupt' = 'route-missing') {
  const accepted = await own.accept();
  await own.step(accepted.id, { type: 'parked', token: 1, error: { code, message: 'no' } });
  return accepted;
}

describe('POST /deferrals/:id/redrive', () => {
  it('puts a parked deferral back on its queue for administrators, and hides from all others that it could', async () => {
    const own = await open();
    const { id, capability } = await parkedOne(own);
    const post = (path: string, scope = 'admin'): request.Test =>
      request(own.app).post(`${base}/deferrals/${path}`).set('Authorization', own.token(scope));
    await post(`${id}/redrive`, 'audit:read').expect(404);
    await request(own.app).post(`${base}/deferrals/${id}/redrive?capability=${capability}`).expect(404);
    await post(`${nobodys}/redrive`).expect(404);
    await post(`${id}/redrive?repeat=perhaps`).expect(400);
    const { body } = await post(`${id}/redrive`).expect(202);
    expect(body).toMatchObject({ id, status: 'NotStarted', phase: 'queued' });
    const again = await post(`${id}/redrive`).expect(409);
    expect(again.body).toMatchObject({ code: 'not-redrivable', detail: expect.stringContaining('queued') });
    const entries = await request(own.app)
      .get(`${base}/deferrals/${id}/entries`)
      .set('Authorization', own.token('audit:read'))
      .expect(200);
    const texts = (entries.body as { entries: { entry: string }[] }).entries.map(({ entry }) => entry);
    expect(JSON.parse(texts.at(-1) ?? '')).toMatchObject({
      type: 'redriven',
      by: expect.stringMatching(/^token:/),
    });
  });
});

describe('GET /deferrals/:id/outcome?as=record of a parked deferral', () => {
  it('shows what its route answered last to who may see it and says what for, and nothing of it to its caller', async () => {
    const own = await open();
    const { id, capability } = await own.accept();
    const error = { code: 'attempts-exhausted', message: 'no' } as const;
    const outcome = { status: 503, headers: [], body: Buffer.from('closed') };
    await own.step(id, { type: 'parked', token: 1, error, outcome });
    const get = (query: string, scope?: string): request.Test => {
      const asked = request(own.app).get(`${base}/deferrals/${id}/outcome?${query}`);
      return scope === undefined ? asked : asked.set('Authorization', own.token(scope));
    };
    const shown = await get('as=record&purpose=to+mend+it', 'audit:reveal').expect(200);
    expect(shown.get('Slackwater-Outcome')).toBe('pending');
    expect(shown.body).toEqual({ body: Buffer.from('closed').toString('base64'), headers: [], status: 503 });
    await get('as=record', 'audit:reveal').expect(400);
    await get('as=record&purpose=curiosity', 'audit:read').expect(404);
    for (const asked of [get(`as=record&capability=${capability}`), get('purpose=p', 'audit:reveal')]) {
      const waiting = await asked.expect(202);
      expect([waiting.get('Slackwater-Outcome'), waiting.body.phase]).toEqual(['pending', 'parked']);
    }
    const { body } = await request(own.app)
      .get(`${base}/deferrals/${id}/entries`)
      .set('Authorization', own.token('audit:read'))
      .expect(200);
    const texts = (body as { entries: { entry: string }[] }).entries.map(({ entry }) => JSON.parse(entry));
    expect(texts.slice(-2)).toMatchObject([
      { type: 'parked', status: 503, outcome: expect.any(String) },
      { type: 'revealed', parameters: ['outcome'], purpose: 'to mend it' },
    ]);
  });
});

describe('POST /deferrals/redrive', () => {
  it('puts back those that the filters admit, up to a limit, after a dry run', async () => {
    const own = await open();
    const ids: string[] = [];
    for (const code of ['route-missing', 'record-corrupt', 'route-missing'] as const) {
      ids.push((await parkedOne(own, code)).id);
    }
    await own.accept();
    const post = (query: string): request.Test =>
      request(own.app).post(`${base}/deferrals/redrive${query}`).set('Authorization', own.token('admin'));
    const dry = await post('?error=route-missing&dryRun=true').expect(200);
    const report = { matched: 2, skipped: 0, errors: { 'route-missing': 2 }, more: false };
    expect(dry.body).toEqual({ dryRun: true, redriven: 0, ...report });
    expect((await own.ledger.find(ids[0] ?? ''))?.phase).toBe('parked');
    const first = await post('?error=route-missing&limit=1').expect(202);
    expect(first.body).toMatchObject({ dryRun: false, matched: 1, redriven: 1, more: true });
    const rest = await post('').expect(202);
    expect(rest.body).toMatchObject({ matched: 2, redriven: 2, more: false });
    for (const id of ids) expect((await own.ledger.find(id))?.phase).toBe('queued');
    for (const query of [
      '?dryRun=1',
      '?phase=queued',
      '?nonsense=1',
      '?error=A',
      '?limit=0',
      '?error=a&error=b',
    ]) {
      const { body } = await post(query).expect(400);
      expect(body).toMatchObject({ code: 'parameter-invalid' });
    }
    await request(own.app)
      .post(`${base}/deferrals/redrive`)
      .set('Authorization', own.token('audit:read'))
      .expect(404);
    await request(own.app)
      .get(`${base}/deferrals/redrive`)
      .set('Authorization', own.token('admin'))
      .expect(405);
  });
});
