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
