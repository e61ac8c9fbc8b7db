import { createHash } from 'node:crypto';
import {
  parseCheckpoint,
  parseEntry,
  parseReceipt,
  verifyCheckpoint,
  verifyReceipt,
} from '@slackwater/shared';
import request from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { requestOf } from '../../ledger/ledgers.ts';
import { expresses } from '../../perform/expresses.ts';
import { base, nobodys, type Office, type OfficeSetup, office } from './office.ts';

let desk: Office | undefined;
afterEach(() => desk?.close());

async function open(setup?: OfficeSetup): Promise<Office> {
  desk = await office(setup);
  return desk;
}

describe.each(expresses)('proofs under %s', (_name, express) => {
  it('GET /deferrals/:id/record gives the first record and its salt, by which a caller knows its request again (B-29)', async () => {
    const { app, accept } = await open({ express });
    const { id, url } = await accept();
    const { body, headers } = await request(app).get(url.replace('?', '/record?')).expect(200);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toMatchObject({ id, position: 0 });
    const entry = parseEntry(Buffer.from(body.entry));
    expect(entry).toMatchObject({ type: 'accepted', id });
    const { method, url: path, body: sent } = requestOf();
    const payload = {
      body: Buffer.from(sent).toString('base64'),
      contentType: 'application/json',
      method,
      url: path,
    };
    const digest = createHash('sha256')
      .update(Buffer.concat([Buffer.from(body.salt, 'base64'), Buffer.from(JSON.stringify(payload))]))
      .digest('base64');
    expect(entry.payload).toBe(digest);
  });

  it('GET /deferrals/:id/receipt gives a fresh receipt as text, and with its entry as JSON', async () => {
    const { app, accept, ledger } = await open({ express });
    const { url } = await accept();
    await accept();
    const path = url.replace('?', '/receipt?');
    const plain = await request(app)
      .get(path)
      .expect(200)
      .expect('Content-Type', 'text/plain; charset=utf-8');
    expect(parseReceipt(plain.text)).toMatchObject({ index: 0 });
    const { body } = await request(app)
      .get(path)
      .set('Accept', 'application/json, text/plain, */*')
      .expect(200);
    const trust = { entry: Buffer.from(body.entry, 'base64'), verifierKeys: [ledger.verifierKey] };
    expect(verifyReceipt(body.receipt, trust)).toMatchObject({ index: 0, size: 2 });
    await request(app)
      .get(path)
      .set('Accept', 'image/png')
      .expect('Content-Type', /^text\/plain/);
  });
});

it.each(['record', 'receipt'])('GET /deferrals/:id/%s is for whoever may see the deferral', async (what) => {
  const { app, accept, token } = await open();
  const { id } = await accept({ requester: 'alice' });
  const path = `${base}/deferrals/${id}/${what}`;
  await request(app).get(path).expect(404);
  await request(app).get(path).set('X-User', 'mallory').expect(404);
  await request(app).get(path).set('X-User', 'alice').expect(200);
  await request(app).get(path).set('Authorization', token()).expect(200);
  await request(app).get(path.replace(id, nobodys)).set('Authorization', token()).expect(404);
});

describe('GET /deferrals/:id/record?reveal=', () => {
  async function opened(): Promise<{
    get: (query: string, scope?: string) => request.Test;
    own: Office;
    id: string;
  }> {
    const own = await open();
    const body = { amount: 42, card: { number: '4111' }, lines: ['a', 'b'], 'a/b~c': null };
    const { id } = await own.accept({
      requester: 'alice',
      request: requestOf({ body: Buffer.from(JSON.stringify(body)) }),
    });
    const get = (query: string, scope = 'audit:read audit:reveal'): request.Test =>
      request(own.app).get(`${base}/deferrals/${id}/record?${query}`).set('Authorization', own.token(scope));
    return { get, own, id };
  }

  const reveals = async ({ own, id }: { own: Office; id: string }): Promise<readonly string[][]> => {
    const path = `${base}/deferrals/${id}/entries`;
    const { body } = await request(own.app).get(path).set('Authorization', own.token());
    return body.entries
      .map(({ entry }: { entry: string }) => JSON.parse(entry))
      .filter(({ type }: { type: string }) => type === 'revealed')
      .map(({ parameters }: { parameters: string[] }) => parameters);
  };

  it('gives the named parameters and no others, those too that the request does not have', async () => {
    const at = await opened();
    const names = [
      'body /card/number',
      'body /lines/1',
      'body /a~1b~0c',
      'body /lines/length',
      'body /__proto__',
      'body',
      'header accept-language',
      'header cookie',
      'query force',
      'path',
      'address',
      'identity',
      'names',
    ];
    const asked = names.map((name) => `reveal=${encodeURIComponent(name)}`).join('&');
    const { body, headers } = await at.get(`${asked}&purpose=why`).expect(200);
    expect(headers['cache-control']).toBe('no-store');
    expect(body.revealed).toEqual([
      { name: 'body /card/number', value: '4111' },
      { name: 'body /lines/1', value: 'b' },
      { name: 'body /a~1b~0c', value: null },
      { name: 'body /lines/length' },
      { name: 'body /__proto__' },
      { name: 'body' },
      { name: 'header accept-language', value: 'de' },
      { name: 'header cookie' },
      { name: 'query force', value: '1' },
      { name: 'path', value: '/payments/4711/settle' },
      { name: 'address', value: '203.0.113.7' },
      { name: 'identity', value: { sub: 'alice', roles: ['clerk'] } },
      { name: 'names', value: expect.arrayContaining(['path', 'query force', 'body /card/number']) },
    ]);
    expect(await reveals(at)).toEqual([names]);
  });

  it('refuses what can not be meant, and then neither shows nor records anything', async () => {
    const at = await opened();
    for (const [query, said] of [
      ['reveal=body', /^purpose: say what it is revealed for/],
      ['reveal=body&purpose=%20', /^purpose: /],
      ['reveal=body&purpose=a&purpose=b', /^purpose: /],
      [`reveal=body&purpose=${'x'.repeat(501)}`, /^purpose: /],
      ['reveal=&purpose=a', /^reveal: "" is no parameter; give names, path, "query <name>"/],
      ['reveal=card&purpose=a', /^reveal: "card" is no parameter/],
      ['reveal=body:/card&purpose=a', /^reveal: "body:\/card"/],
      ['reveal=body%20card&purpose=a', /^reveal: "body card"/],
      ['reveal=header%20a%20b&purpose=a', /^reveal: "header a b"/],
      ['reveal=constructor&purpose=a', /^reveal: "constructor"/],
      [`reveal=body%20/${'x'.repeat(300)}&purpose=a`, /^reveal: /],
      [`${'reveal=path&'.repeat(51)}purpose=a`, /^51 parameters/],
    ] as const) {
      const { body } = await at.get(query).expect(400);
      expect(body).toMatchObject({ code: 'parameter-invalid', detail: expect.stringMatching(said) });
      expect(JSON.stringify(body)).not.toContain('4111');
    }
    expect(await reveals(at)).toEqual([]);
    expect(at.own.troubles).toEqual([]);
  });

  it('is for who may reveal: auditors, administrators and the requester see no more than the record', async () => {
    const at = await opened();
    const path = `${base}/deferrals/${at.id}/record?reveal=body&purpose=a`;
    await at.get('reveal=body&purpose=a', 'audit:read').expect(404);
    await at.get('reveal=body&purpose=a', 'admin').expect(404);
    await request(at.own.app).get(path).set('X-User', 'alice').expect(404);
    const { text } = await at.get('', 'audit:read').expect(200);
    expect(text).not.toContain('4111');
    await request(at.own.app).head(path).set('Authorization', at.own.token('audit:reveal')).expect(400);
    expect(await reveals(at)).toEqual([]);
  });

  it('keeps from the requester who has looked at its record', async () => {
    const at = await opened();
    await at.get('reveal=body&purpose=a').expect(200);
    const path = `${base}/deferrals/${at.id}/entries`;
    const { body } = await request(at.own.app).get(path).set('X-User', 'alice').expect(200);
    expect(body.entries.map(({ entry }: { entry: string }) => JSON.parse(entry).type)).toEqual(['accepted']);
  });
});

it('a record that was altered is a 500, and its owner is told', async () => {
  const { app, accept, bench, ledger, troubles } = await open();
  const { id, url } = await accept();
  await ledger.proof(id);
  bench.database((db) =>
    db.exec("UPDATE log_1 SET entry = CAST(replace(entry, 'settle', 'sottle') AS BLOB)"),
  );
  const { body } = await request(app).get(url.replace('?', '/receipt?')).expect(500);
  expect(body).toMatchObject({ code: 'internal-error' });
  expect(troubles).toMatchObject([{ error: { code: 'record-corrupt' } }]);
});

describe('the ledger', () => {
  it('has a checkpoint and blocks that anybody may read', async () => {
    const { app, accept, ledger } = await open();
    for (let i = 0; i < 3; i++) await accept();
    const head = await request(app).get(`${base}/ledger/default/checkpoint`).expect(200);
    expect(head.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(head.headers['cache-control']).toBe('no-store');
    expect(verifyCheckpoint(head.text, [ledger.verifierKey])).toMatchObject({ size: 3 });
    const block = await request(app).get(`${base}/ledger/default/blocks/2`).expect(200);
    expect(block.headers['content-type']).toMatch(/^application\/json/);
    expect(block.text).toBe(await ledger.block(2));
    expect(block.body.checkpoint).toBe(head.text);
    expect(parseCheckpoint(head.text).origin).toBe(ledger.origin);
  });

  it.each([
    'ledger/other/checkpoint',
    'ledger/default%2Fx/checkpoint',
    'ledger/%E0%A4/checkpoint',
    'ledger//checkpoint',
    'ledger/default/blocks/3',
    'ledger/default/blocks/-1',
    'ledger/default/blocks/01',
    'ledger/default/blocks/1e0',
    'ledger/default/blocks/1.0',
    'ledger/default/blocks/99999999999999999999',
    'ledger/default/blocks/',
    'ledger/default/tile/0/000',
    'ledger/default',
  ])('has no %s', async (path) => {
    const { app, accept } = await open();
    for (let i = 0; i < 3; i++) await accept();
    await request(app).get(`${base}/${path}`).expect(404);
  });

  it('is for auditors alone where its owner says so', async () => {
    const { app, accept, token } = await open({ records: { isPublic: false } });
    const { capability } = await accept();
    for (const path of ['checkpoint', 'blocks/0']) {
      await request(app).get(`${base}/ledger/default/${path}?capability=${capability}`).expect(404);
      await request(app)
        .get(`${base}/ledger/default/${path}`)
        .set('Authorization', token('admin'))
        .expect(404);
      await request(app).get(`${base}/ledger/default/${path}`).set('Authorization', token()).expect(200);
    }
  });

  it('that is not public and without auth is not there', async () => {
    const { app, token } = await open({ records: { isPublic: false }, parts: { verifyToken: undefined } });
    await request(app).get(`${base}/ledger/default/checkpoint`).set('Authorization', token()).expect(404);
  });
});
