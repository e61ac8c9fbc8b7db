import { encodeEntry } from '@slackwater/shared';
import { describe, expect, it } from 'vitest';
import { fastClient, rejection } from './support/fast-client.ts';
import { json, serve } from './support/http-server.ts';
import {
  entryOf,
  id,
  otherVerifierKey,
  problem,
  receiptFor,
  resource,
  retryLater,
  verifierKey,
} from './support/wire.ts';

const checkpointOf = (receipt: string): string => receipt.slice(receipt.indexOf('\n\n') + 2);

describe('client.audit', () => {
  it('lists deferrals page by page, as they are consumed', async () => {
    const pages = new Map([
      [null, { deferrals: [{ id: 'a' }, { id: 'b' }], next: '2' }],
      ['2', { deferrals: [{ id: 'c' }], next: '3' }],
      ['3', { deferrals: [] }],
    ]);
    const server = await serve(({ url, nth }, response) => {
      if (nth === 1) return retryLater(response, 100);
      return json(response, 200, pages.get(new URL(url, 'http://x').searchParams.get('cursor')));
    });
    const { client } = fastClient(server.origin, { headers: { Authorization: 'Bearer auditor' } });
    const ids: string[] = [];
    for await (const deferral of client.audit.deferrals({ status: 'Failed', limit: 2 })) {
      ids.push(deferral.id);
      if (ids.length === 2) expect(server.seen).toHaveLength(1);
    }
    expect(ids).toEqual(['a', 'b', 'c']);
    expect(server.seen.map(({ url }) => url)).toEqual([
      '/slackwater/deferrals?status=Failed&limit=2',
      '/slackwater/deferrals?status=Failed&limit=2&cursor=2',
      '/slackwater/deferrals?status=Failed&limit=2&cursor=2',
      '/slackwater/deferrals?status=Failed&limit=2&cursor=3',
    ]);
    expect(server.seen[0]?.headers.authorization).toBe('Bearer auditor');
  });

  it('does not follow a cursor that leads to itself', async () => {
    const server = await serve((_seen, response) =>
      json(response, 200, { deferrals: [{ id: 'a' }], next: '1' }),
    );
    const { client } = fastClient(server.origin);
    const ids: string[] = [];
    for await (const deferral of client.audit.deferrals()) ids.push(deferral.id);
    expect(ids).toEqual(['a', 'a']);
  });

  it('gets a deferral, its record and its receipt, from under basePath', async () => {
    const receipt = receiptFor(entryOf());
    const server = await serve(({ url }, response) => {
      if (url.endsWith('/record')) json(response, 200, { entry: entryOf() });
      else if (url.endsWith('/receipt'))
        response.writeHead(200, { 'content-type': 'text/plain' }).end(receipt);
      else json(response, 200, resource());
    });
    const { client } = fastClient(server.origin, { basePath: '/internal/sw/', verifierKeys: [verifierKey] });
    expect(await client.audit.get(id)).toMatchObject({ id, status: 'NotStarted' });
    expect(await client.audit.record(id)).toEqual({ entry: entryOf() });
    expect(await client.audit.receipt(id)).toEqual({ receipt, index: 0, verified: true });
    expect(server.seen[0]?.url).toBe(`/internal/sw/deferrals/${id}`);
    const strict = fastClient(server.origin, { verifierKeys: [otherVerifierKey] }).client;
    expect(await rejection(strict.audit.receipt(id))).toMatchObject({ code: 'note-unverified' });
  });

  it('takes a receipt that comes with its entry', async () => {
    const entry = Buffer.from(encodeEntry(entryOf())).toString('base64');
    const server = await serve((_seen, response) =>
      json(response, 200, { receipt: receiptFor(entryOf()), entry }),
    );
    const { client } = fastClient(server.origin, { verifierKeys: [verifierKey] });
    expect((await client.audit.receipt(id)).verified).toBe(true);
    expect(server.seen).toHaveLength(1);
  });

  it('gets a checkpoint and verifies it', async () => {
    const text = checkpointOf(receiptFor(entryOf()));
    const server = await serve((_seen, response) =>
      response.writeHead(200, { 'content-type': 'text/plain' }).end(text),
    );
    const { client } = fastClient(server.origin, { verifierKeys: [verifierKey] });
    expect(await client.audit.checkpoint('eu/west')).toMatchObject({
      origin: 'ledger.example/payments',
      size: 1,
      text,
      verified: true,
    });
    expect(server.seen[0]?.url).toBe('/slackwater/ledger/eu%2Fwest/checkpoint');
    const strict = fastClient(server.origin, { verifierKeys: [otherVerifierKey] }).client;
    expect(await rejection(strict.audit.checkpoint('default'))).toMatchObject({ code: 'note-unverified' });
    const keyless = fastClient(server.origin).client;
    expect((await keyless.audit.checkpoint('default')).verified).toBe(false);
  });

  it('rejects as axios does, and refuses what is no answer of Slackwater', async () => {
    const server = await serve(({ url }, response) =>
      url.includes(id) ? problem(response, 404, 'not-found') : json(response, 200, { hello: 1 }),
    );
    const { client } = fastClient(server.origin);
    expect(await rejection(client.audit.get(id))).toMatchObject({ isAxiosError: true, status: 404 });
    expect(await rejection(client.audit.get('../../admin'))).toMatchObject({ code: 'parameter-invalid' });
    expect(await rejection(client.audit.deferrals().next())).toMatchObject({ code: 'response-malformed' });
    expect(await rejection(client.audit.checkpoint('default'))).toMatchObject({ code: 'response-malformed' });
  });
});
