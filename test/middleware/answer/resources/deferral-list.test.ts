import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Records } from '../../../../packages/middleware/src/answer/resources/contract.ts';
import { parseListQuery } from '../../../../packages/middleware/src/answer/resources/list-query.ts';
import { expresses } from '../../perform/expresses.ts';
import { until } from '../../perform/until.ts';
import { base, nobodys, type Office, type OfficeSetup, office } from './office.ts';

let desk: Office | undefined;
afterEach(() => desk?.close());

async function open(setup?: OfficeSetup): Promise<Office> {
  desk = await office(setup);
  return desk;
}

const list = (own: Office, query = ''): request.Test =>
  request(own.app).get(`${base}/deferrals${query}`).set('Authorization', own.token());
const idsOf = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);
const linesOf = (text: string): { id: string }[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

async function filled(own: Office, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const requester = i % 2 === 0 ? 'even' : 'odd';
    const { id } = await own.accept({ requester, partition: i < 2 ? 'orders' : 'payments' });
    ids.unshift(id);
  }
  return ids;
}

describe.each(expresses)('GET /deferrals under %s', (_name, express) => {
  it('lists newest first, page by page', async () => {
    const own = await open({ express });
    const ids = await filled(own, 5);
    const first = await list(own, '?limit=3').expect(200);
    expect(idsOf(first.body.deferrals)).toEqual(ids.slice(0, 3));
    const rest = await list(own, `?limit=3&cursor=${first.body.next}`).expect(200);
    expect(idsOf(rest.body.deferrals)).toEqual(ids.slice(3));
    expect(rest.body.next).toBeUndefined();
    expect(rest.headers['cache-control']).toBe('no-store');
  });

  it('gives lines of everything where those are preferred', async () => {
    const own = await open({ express });
    const ids = await filled(own, 5);
    const { headers, text } = await list(own, '?limit=2')
      .set('Accept', 'application/x-ndjson')
      .buffer()
      .expect(200);
    expect(headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    expect(idsOf(linesOf(text))).toEqual(ids);
  });
});

describe('GET /deferrals', () => {
  it('shows what an auditor sorts by, and neither proofs nor capabilities nor names', async () => {
    const own = await open();
    const { id, deferral } = await own.accept({ requester: 'alice@example.com' });
    const { body, text } = await list(own).expect(200);
    expect(body.deferrals).toEqual([
      {
        id,
        status: 'NotStarted',
        phase: 'queued',
        application: 'payments',
        group: 'default',
        workType: 'settle',
        partition: 'payments',
        createdAt: new Date(deferral.createdAt).toISOString(),
        updatedAt: new Date(deferral.updatedAt).toISOString(),
        attempts: 0,
        postponements: 0,
        portion: 'all',
        durable: 'fsync',
        resourceLocation: `${base}/deferrals/${id}/outcome`,
        method: 'POST',
        route: '/payments/:id/settle',
        requester: deferral.requester,
        position: 0,
      },
    ]);
    expect(text).not.toMatch(/alice|4711|capability/);
  });

  it('filters by status, work type, partition and requester, all at once', async () => {
    const own = await open();
    const ids = await filled(own, 4);
    await own.perform(ids[3] ?? '', undefined);
    const found = async (query: string): Promise<string[]> =>
      idsOf((await list(own, query).expect(200)).body.deferrals);
    expect(await found('?status=Succeeded')).toEqual([ids[3]]);
    expect(await found('?partition=orders')).toEqual(ids.slice(2));
    expect(await found('?partition=orders&requester=odd')).toEqual([ids[2]]);
    expect(await found('?workType=settle')).toEqual(ids);
    expect(await found('?workType=report')).toEqual([]);
    expect(await found(`?requester=${encodeURIComponent('no body%00')}`)).toEqual([]);
  });

  it('is for auditors alone, and is not there for anybody else', async () => {
    const own = await open();
    const { capability } = await own.accept({ requester: 'alice' });
    const nothing = await request(own.app).get(`${base}/no-such-thing`).expect(404);
    const asking = [
      request(own.app).get(`${base}/deferrals`),
      request(own.app).get(`${base}/deferrals?capability=${capability}`),
      request(own.app).get(`${base}/deferrals`).set('X-User', 'alice'),
      request(own.app).get(`${base}/deferrals`).set('Authorization', own.token('admin')),
      request(own.app).get(`${base}/deferrals?limit=nonsense`),
    ];
    for (const one of asking) {
      const { status, text } = await one;
      expect([status, text]).toEqual([404, nothing.text]);
    }
  });

  it('is not there without auth, or without a ledger', async () => {
    for (const parts of [{ verifyToken: undefined }, { records: undefined }]) {
      const own = await open({ parts });
      await list(own).expect(404);
      await own.close();
    }
  });

  it('shows what has just been recorded, for it waits for the index', async () => {
    const own = await open();
    for (let i = 0; i < 20; i++) {
      const { id } = await own.accept();
      expect(idsOf((await list(own, '?limit=1').expect(200)).body.deferrals)).toEqual([id]);
    }
  });

  it('filters by phase, method, route pattern and time of acceptance', async () => {
    const own = await open();
    const { id, deferral } = await own.accept();
    await own.fail((await own.accept()).id, undefined);
    const found = async (query: string): Promise<string[]> =>
      idsOf((await list(own, query).expect(200)).body.deferrals);
    expect(await found('?phase=queued&application=payments&group=default')).toEqual([id]);
    expect(await found('?method=POST&route=/payments/:id/settle&phase=queued')).toEqual([id]);
    expect(await found('?method=GET')).toEqual([]);
    expect(await found('?corrupt=true')).toEqual([]);
    const at = new Date(deferral.createdAt).toISOString();
    expect(await found(`?createdBefore=${at}`)).toEqual([]);
    expect(await found(`?createdFrom=${at}&phase=queued`)).toEqual([id]);
  });

  it('counts by any dimensions, with the filters of a list', async () => {
    const own = await open();
    const ids = await filled(own, 4);
    await own.perform(ids[0] ?? '', undefined);
    const counts = async (query: string): Promise<unknown> =>
      (await list(own, `/counts?${query}`).expect(200)).body.counts;
    expect(await counts('by=status')).toEqual([
      { value: 'NotStarted', values: { status: 'NotStarted' }, count: 3 },
      { value: 'Succeeded', values: { status: 'Succeeded' }, count: 1 },
    ]);
    expect(await counts('by=partition&phase=queued')).toMatchObject([
      { value: 'orders', count: 2 },
      { value: 'payments', count: 1 },
    ]);
    expect(await counts('by=operation')).toMatchObject([{ value: 'POST /payments/:id/settle', count: 4 }]);
    expect(await counts('by=status&requester=odd')).toMatchObject([
      { value: 'NotStarted', count: 1 },
      { value: 'Succeeded', count: 1 },
    ]);
    const both = await list(own, '/counts?by=status,partition&workType=settle').expect(200);
    expect(both.body).toMatchObject({ by: ['status', 'partition'], entries: expect.any(Number) });
    const listed = (await list(own, '?workType=settle').expect(200)).body.deferrals as Record<
      'status' | 'partition',
      string
    >[];
    const tally = new Map<string, number>();
    for (const { status, partition } of listed) {
      const value = `${status}, ${partition}`;
      tally.set(value, (tally.get(value) ?? 0) + 1);
    }
    const counted = both.body.counts as { readonly value: string; readonly count: number }[];
    expect(new Map(counted.map(({ value, count }) => [value, count]))).toEqual(tally);
    expect(await counts('by=partition&workType=settle&createdFrom=2100-01-01T00:00:00Z')).toEqual([]);
    expect(await counts('by=status&createdFrom=2026-01-01T00:00:00Z')).toHaveLength(2);
    const page = (await list(own, '/counts?by=partition,workType&limit=1').expect(200)).body;
    expect(page.counts).toHaveLength(1);
    const query = `by=partition,workType&limit=1&cursor=${page.next}`;
    expect(await counts(query)).not.toEqual(page.counts);
  });

  it('refuses to count by what it does not know, with the reason', async () => {
    const own = await open();
    for (const [query, said] of [
      ['by=color', 'by: "color" is not one of status, phase, workType'],
      ['by=status,status', 'or several, with commas between them'],
      ['by=status,', 'or several, with commas between them'],
      ['by=', 'or several, with commas between them'],
      [`by=${'status,'.repeat(1_000)}`, 'or several, with commas between them'],
      ['by=__proto__', 'by: "__proto__" is not one of'],
      ['by=status&createdFrom=yesterday', 'createdFrom: "yesterday" is not a time'],
      ['by=status&color=red', '"color" is no parameter of this list'],
    ] as const) {
      const { body } = await list(own, `/counts?${query}`).expect(400);
      expect(body).toMatchObject({ code: 'parameter-invalid', detail: expect.stringContaining(said) });
    }
    await request(own.app).get(`${base}/deferrals/counts`).expect(404);
  });

  it('shows the whole life of a deferral as entries of the ledger, to auditors and its caller', async () => {
    const own = await open();
    const { id, capability } = await own.accept();
    await own.step(id, { type: 'performing', token: 1 });
    await own.step(id, { type: 'postponed', token: 1, reasons: ['over-threshold'] });
    await own.step(id, { type: 'performing', token: 2 });
    await own.step(id, { type: 'performed', token: 2, outcome: undefined });
    const typesOf = (body: { entries: { entry: string }[] }): string[] =>
      body.entries.map(({ entry }) => JSON.parse(entry).type);
    const life = ['accepted', 'performing', 'postponed', 'performing', 'performed'];
    const seen = await list(own, `/${id}/entries`).expect(200);
    expect(typesOf(seen.body)).toEqual(life);
    expect(seen.body.entries.map(({ position }: { position: number }) => position)).toEqual([0, 1, 2, 3, 4]);
    const mine = await request(own.app).get(`${base}/deferrals/${id}/entries?capability=${capability}`);
    expect(typesOf(mine.body)).toEqual(life);
    await request(own.app).get(`${base}/deferrals/${id}/entries`).expect(404);
    await list(own, `/${nobodys}/entries`).expect(404);
  });
});

describe('nonsense in a query', () => {
  let shared: Office;
  beforeAll(async () => {
    shared = await office();
  });
  afterAll(() => shared.close());

  it.each([
    ['limit=0', 'limit: "0" is not a whole number from 1 to 1000.'],
    ['limit=1001', 'limit: "1001" is not'],
    ['limit=1.5', 'limit: "1.5" is not'],
    ['limit=', 'limit: "" is not'],
    ['limit=1e2', 'limit: "1e2" is not'],
    ['limit=0x10', 'limit: "0x10" is not'],
    ['status=succeeded', 'status: "succeeded" is not one of NotStarted, Running'],
    ['cursor=../../etc', 'cursor: "../../etc" is not the "next"'],
    [`cursor=${nobodys}`, 'is not the "next" of the page before'],
    ['cursor=5-3-0123abcd', 'cursor: give the "next" of the page before, as it came, with the same filters'],
    ['phase=waiting', 'phase: "waiting" is not one of queued, postponed, performing'],
    ['corrupt=yes', 'corrupt: "yes" is not one of true, false'],
    ['group=other', 'group: "other" is not one of default'],
    ['application=shop', 'application: "shop" is not one of payments'],
    ['createdFrom=yesterday', 'createdFrom: "yesterday" is not a time as RFC 3339 has it'],
    ['createdBefore=2026-13-45T00:00:00Z', 'createdBefore: "2026-13-45T00:00:00Z" is not a time'],
    ['limit=1&limit=2', 'limit is given more than once'],
    ['worktype=settle', '"worktype" is no parameter of this list; it takes status, phase, corrupt, workType'],
    ['__proto__=1', '"__proto__" is no parameter'],
    ['partition=', 'partition: "" is not a text of 1 to 1024'],
    [`partition=${'x'.repeat(2_000)}`, `partition: "${'x'.repeat(100)}..." is not`],
  ])('refuses ?%s, with the value and the way out', async (query, said) => {
    const { body, headers } = await list(shared, `?${query}`).expect(400);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({ code: 'parameter-invalid', detail: expect.stringContaining(said) });
  });
});

describe('an export', () => {
  it('goes on at the pace of its reader', async () => {
    const own = await open();
    for (let i = 0; i < 20; i++) await own.accept();
    let pages = 0;
    // Rows as many as it takes to fill every buffer on the way, from one real page.
    const real = await own.audit.list({ limit: 20 });
    const endless: Records['audit']['list'] = async () => {
      pages += 1;
      const deferrals = Array.from({ length: 50 }, () => real.deferrals).flat();
      return { ...real, deferrals, next: pages < 200 ? '20-1-01234567' : undefined };
    };
    const second = await office({ records: { audit: { ...own.audit, list: endless } } });
    const server = second.app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const headers = { Authorization: second.token(), Accept: 'application/x-ndjson' };
    const response = await new Promise<IncomingMessage>((resolve) =>
      httpRequest(
        { port, host: '127.0.0.1', path: `${base}/deferrals`, headers, agent: false },
        resolve,
      ).end(),
    );
    let before = -1;
    await until(async () => {
      const stands = pages > 0 && pages === before;
      before = pages;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return stands;
    });
    expect(pages).toBeLessThan(100);
    let lines = 0;
    for await (const chunk of response) for (const byte of chunk as Buffer) if (byte === 10) lines += 1;
    expect([pages, lines]).toEqual([200, 200 * 1_000]);
    server.close();
    await second.close();
  }, 120_000);

  it('is cut off where a page can not be read, so that nobody takes the part for the whole', async () => {
    const own = await open();
    await filled(own, 3);
    const breaking: Records['audit']['list'] = async (query) => {
      if (query.cursor !== undefined) await own.opened.abandon();
      return own.audit.list(query);
    };
    const second = await office({ records: { audit: { ...own.audit, list: breaking } } });
    const reading = list(second, '?limit=1').set('Accept', 'application/x-ndjson').buffer();
    await expect(reading).rejects.toThrow(/aborted|socket hang up|ECONNRESET/);
    await second.close();
  });

  it('is asked to come later where as many requests are held open as may be', async () => {
    const own = await open({ heldOpen: 0 });
    const { body, headers } = await list(own).set('Accept', 'application/x-ndjson').expect(503);
    expect(body).toMatchObject({ code: 'retry-later', retryable: true, recorded: false });
    expect(headers['retry-after']).toBe('2');
  });

  it('has a HEAD', async () => {
    const own = await open();
    await filled(own, 2);
    const { headers } = await request(own.app)
      .head(`${base}/deferrals`)
      .set('Authorization', own.token())
      .set('Accept', 'application/x-ndjson')
      .expect(200);
    expect(headers['content-type']).toMatch(/ndjson/);
  });
});

describe('a query as parameters', () => {
  it('has the default limit where none is given, and nothing that was not asked for', () => {
    expect(parseListQuery(new URLSearchParams(), 100, { application: 'a', groups: ['b'] })).toEqual({
      kind: 'query',
      query: { limit: 100 },
    });
  });
});
