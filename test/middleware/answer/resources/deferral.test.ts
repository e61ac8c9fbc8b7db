import { isDeferralResource, verifyReceipt } from '@slackwater/shared';
import request from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { expresses } from '../../perform/expresses.ts';
import { signal } from '../../perform/signal.ts';
import { base, nobodys, type Office, type OfficeSetup, office } from './office.ts';

let desk: Office | undefined;
afterEach(() => desk?.close());

async function open(setup?: OfficeSetup): Promise<Office> {
  desk = await office(setup);
  return desk;
}

describe.each(expresses)('GET /deferrals/:id under %s', (_name, express) => {
  it('gives the resource, with a receipt that verifies and the pace to ask again at', async () => {
    const { app, ledger, accept } = await open({ express });
    const { id, url, capability } = await accept();
    const response = await request(app).get(url).expect(200);
    expect(response.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'application/json; charset=utf-8',
      'retry-after': '2',
      'slackwater-retry-after-ms': '1500',
    });
    expect(isDeferralResource(response.body)).toBe(true);
    expect(response.body).toMatchObject({
      id,
      status: 'NotStarted',
      phase: 'queued',
      durable: 'fsync',
      resourceLocation: `${base}/deferrals/${id}/outcome?capability=${capability}`,
    });
    const entry = Buffer.from(response.body.entry, 'base64');
    const trust = { entry, verifierKeys: [ledger.verifierKey] };
    expect(verifyReceipt(response.body.receipt, trust)).toMatchObject({ index: 0 });
  });

  it('says nothing of asking again once it is settled', async () => {
    const { app, accept, perform } = await open({ express });
    const { id, url } = await accept();
    await perform(id, { status: 200, headers: [], body: Buffer.from('done') });
    const response = await request(app).get(url).expect(200);
    expect(response.body).toMatchObject({ status: 'Succeeded', phase: 'settled', outcomeKnown: true });
    expect(response.headers['retry-after']).toBeUndefined();
  });

  it('answers HEAD as GET, without a body', async () => {
    const { app, accept } = await open({ express });
    const { url } = await accept();
    const got = await request(app).get(url).expect(200);
    const { headers, text } = await request(app).head(url).expect(200);
    expect(text).toBeUndefined();
    expect(headers['retry-after']).toBe('2');
    expect(Number(headers['content-length'])).toBeGreaterThan(0);
    expect(Math.abs(Number(headers['content-length']) - Number(got.headers['content-length']))).toBeLessThan(
      9,
    );
  });
});

describe('URLs that are given out', () => {
  it('have the path of the mount, and never come from the Host header', async () => {
    const { app, accept } = await open({ mount: '/api' });
    const { url, id } = await accept();
    const { body } = await request(app).get(`/api${url}`).set('Host', 'evil.example').expect(200);
    expect(body.resourceLocation).toMatch(new RegExp(`^/api${base}/deferrals/${id}/outcome\\?`));
  });

  it('are absolute where publicUrl says so', async () => {
    const { app, accept } = await open({ parts: { publicUrl: 'https://shop.example/api' } });
    const { url, id } = await accept();
    const { body } = await request(app).get(url).expect(200);
    expect(body.resourceLocation).toContain(`https://shop.example/api${base}/deferrals/${id}/outcome`);
  });

  it('carry no capability where none was shown', async () => {
    const { app, accept, token } = await open();
    const { id } = await accept();
    const { body } = await request(app)
      .get(`${base}/deferrals/${id}`)
      .set('Authorization', token())
      .expect(200);
    expect(body.resourceLocation).toBe(`${base}/deferrals/${id}/outcome`);
  });
});

describe('a deferral is seen', () => {
  const who = { requester: 'alice' };

  it('by its capability alone, whoever shows it', async () => {
    const { app, accept } = await open();
    const { url } = await accept(who);
    await request(app).get(url).set('X-User', 'mallory').expect(200);
  });

  it('by its own requester', async () => {
    const { app, accept } = await open();
    const { id } = await accept(who);
    await request(app).get(`${base}/deferrals/${id}`).set('X-User', 'alice').expect(200);
  });

  it('by an auditor', async () => {
    const { app, accept, token } = await open();
    const { id } = await accept(who);
    await request(app).get(`${base}/deferrals/${id}`).set('Authorization', token()).expect(200);
  });

  it('by nobody else, who is told the same as of one that does not exist', async () => {
    const { app, accept, token } = await open();
    const one = await accept(who);
    const other = await accept({ requester: 'bob' });
    const nothing = await request(app).get(`${base}/deferrals/${nobodys}`).expect(404);
    expect(nothing.body).toMatchObject({ code: 'not-found', status: 404 });
    const at = (query: string): request.Test => request(app).get(`${base}/deferrals/${one.id}${query}`);
    const refused = [
      at(''),
      at('').set('X-User', 'mallory'),
      at('').set('X-User', 'bob'),
      at('').set('X-User', ''),
      at(`?capability=${other.capability}`),
      at(`?capability=${one.capability.slice(0, -1)}`),
      at(`?capability=${one.capability}x`),
      at(`?capability=${one.capability}&capability=${one.capability}`),
      at('?capability='),
      at(`?capability=${'x'.repeat(5_000)}`),
      at(`?Capability=${one.capability}`),
      at('').set('Authorization', token('admin')),
      at('').set('Authorization', token('audit:reader')),
      at('').set('Authorization', 'Bearer nonsense'),
      at('').set('Authorization', token().replace('Bearer ', 'Basic ')),
      request(app).get(`${base}/deferrals/${one.id.toLowerCase()}?capability=${one.capability}`),
      request(app).get(`${base}/deferrals/${nobodys}?capability=${one.capability}`),
    ];
    for (const asking of refused) {
      const { text, headers, status } = await asking;
      expect([status, text]).toEqual([404, nothing.text]);
      expect(headers['retry-after']).toBeUndefined();
      expect(headers['cache-control']).toBe('no-store');
    }
  });

  it('by no auditor where auth is not configured', async () => {
    const { app, accept, token } = await open({ parts: { verifyToken: undefined } });
    const { id } = await accept(who);
    await request(app).get(`${base}/deferrals/${id}`).set('Authorization', token()).expect(404);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no session'))],
    ['gives no text', () => 7 as unknown as string],
    ['gives nothing', () => undefined],
  ])('by nobody where requester %s', async (_what, requester) => {
    const { app, accept } = await open({ parts: { requester } });
    const { id, url } = await accept(who);
    await request(app).get(`${base}/deferrals/${id}`).expect(404);
    await request(app).get(url).expect(200);
  });

  it('by nobody while requester hangs, and that is not waited for without end', async () => {
    const asked = signal();
    const requester = (): Promise<string> => {
      asked.tell();
      return new Promise(() => {});
    };
    const { app, accept, clock, troubles } = await open({ parts: { requester } });
    const { id } = await accept(who);
    const answer = request(app)
      .get(`${base}/deferrals/${id}`)
      .then((response) => response.status);
    await asked.happened;
    clock.advance(5_000);
    expect(await answer).toBe(404);
    expect(troubles).toMatchObject([{ doing: 'asking requester', error: { code: 'timed-out' } }]);
  });
});

describe('DELETE /deferrals/:id', () => {
  it('cancels what nobody has begun, and says so again', async () => {
    const { app, accept, ledger } = await open();
    const { id, url } = await accept();
    for (let i = 0; i < 2; i++) {
      const { body } = await request(app).delete(url).expect(200);
      expect(body).toMatchObject({ id, status: 'Canceled', phase: 'settled' });
      expect(isDeferralResource(body)).toBe(true);
    }
    expect((await ledger.find(id))?.status).toBe('Canceled');
  });

  it('is too late while it is performed, and after', async () => {
    const { app, accept, step } = await open();
    const { id, url } = await accept();
    await step(id, { type: 'performing', token: 1 });
    const { body } = await request(app).delete(url).expect(409);
    expect(body).toMatchObject({ code: 'not-cancelable', detail: expect.stringContaining('performing') });
    await step(id, { type: 'performed', token: 1, outcome: undefined });
    await request(app).delete(url).expect(409);
  });

  it('is for its requester and for an admin, not for an auditor or anybody else', async () => {
    const { app, accept, token, ledger } = await open();
    const { id } = await accept({ requester: 'alice' });
    const path = `${base}/deferrals/${id}`;
    await request(app).delete(path).expect(404);
    await request(app).delete(path).set('X-User', 'mallory').expect(404);
    await request(app).delete(path).set('Authorization', token('audit:read audit:reveal')).expect(404);
    await request(app)
      .delete(`${base}/deferrals/${nobodys}`)
      .set('Authorization', token('admin'))
      .expect(404);
    expect((await ledger.find(id))?.status).toBe('NotStarted');
    await request(app).delete(path).set('Authorization', token('admin')).expect(200);
    const another = await accept({ requester: 'alice' });
    await request(app).delete(`${base}/deferrals/${another.id}`).set('X-User', 'alice').expect(200);
  });

  it('that hangs is given up with 503, to be asked again', async () => {
    const begun = signal();
    const cancel = (): Promise<'canceled'> => {
      begun.tell();
      return new Promise(() => {});
    };
    const { app, accept, clock } = await open({ records: { cancel } });
    const { url } = await accept();
    const answer = request(app)
      .delete(url)
      .then((response) => response);
    await begun.happened;
    clock.advance(20_000);
    expect(await answer).toMatchObject({ status: 503, body: { reasons: ['ledger-timeout'] } });
  });

  it('whose database can not be asked is a 500 that tells no particulars', async () => {
    const cancel = (): Promise<'canceled'> => Promise.reject(new Error('password=hunter2 at db.internal'));
    const { app, accept, troubles } = await open({ records: { cancel } });
    const { url, capability } = await accept();
    const { text } = await request(app).delete(url).expect(500);
    expect(text).not.toMatch(/hunter2|db\.internal/);
    expect(troubles).toMatchObject([{ doing: 'answering DELETE /deferrals/:id' }]);
    expect(JSON.stringify(troubles)).not.toContain(capability);
  });
});
