import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AuditCount } from '@slackwater/client-sdk';
import { verifyCheckpoint, walkRotations } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../../../packages/middleware/src/engines/engine-error.ts';
import { createKeyFile, parseKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { openSigner } from '../../../../packages/middleware/src/ledger/signer.ts';
import { fastClient, rejection } from '../../../client-sdk/support/fast-client.ts';
import { addSigningKey } from '../../ledger/ledgers.ts';
import { until } from '../../perform/until.ts';
import { base, nobodys, type Office, office } from './office.ts';

let desk: Office;
let server: Server;
let origin: string;

beforeEach(async () => {
  desk = await office();
  server = createServer(desk.app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await desk.close();
});

const clientOf = (
  headers: Record<string, string> = {},
  verifierKeys = [desk.ledger.verifierKey],
): ReturnType<typeof fastClient>['client'] => fastClient(origin, { verifierKeys, headers }).client;
const performing = { type: 'performing', token: 1 } as const;
const json = [['content-type', 'application/json']] as const;

describe('the client SDK', () => {
  it('waits by a long poll, and gives the route\u2019s own answer with a verified receipt', async () => {
    const { id, url } = await desk.accept();
    const poller = clientOf().deferral(origin + url);
    const waiting = poller.pollUntilDone();
    await until(() => desk.listening() === 1);
    await desk.step(id, performing);
    const outcome = { status: 201, headers: json, body: Buffer.from('{"settled":true}') };
    await desk.step(id, { type: 'performed', token: 1, outcome });
    const response = await waiting;
    expect(response).toMatchObject({ status: 201, data: { settled: true } });
    expect(response.slackwater).toMatchObject({ outcomeKnown: true, receiptVerified: true });
  });

  it('gives an answer that is an error as that error, and not as the gate\u2019s', async () => {
    const { id, url } = await desk.accept();
    await desk.fail(id, { status: 404, headers: json, body: Buffer.from('{"no":"such payment"}') });
    const error = await rejection(
      clientOf()
        .deferral(origin + url)
        .pollUntilDone(),
    );
    expect(error).toMatchObject({
      isAxiosError: true,
      response: { status: 404, data: { no: 'such payment' } },
    });
  });

  it('knows that the work is done where the answer is lost', async () => {
    const { id, url } = await desk.accept();
    await desk.perform(id, undefined);
    const response = await clientOf()
      .deferral(origin + url)
      .pollUntilDone();
    expect([response.status, response.slackwater.outcomeKnown]).toEqual([204, false]);
  });

  it('knows that too where the outcome has expired', async () => {
    const { id, url } = await desk.accept();
    await desk.perform(id, { status: 200, headers: json, body: Buffer.from('{}') });
    await desk.opened.engine.store.delete(`outcome/${id}/1`);
    const response = await clientOf()
      .deferral(origin + url)
      .pollUntilDone();
    expect([response.status, response.slackwater.outcomeKnown]).toEqual([204, false]);
  });

  it('is told why it failed without an answer', async () => {
    const { id, url } = await desk.accept();
    const error = { code: 'attempt-timed-out', message: 'The route did not answer in time.' } as const;
    await desk.step(id, { type: 'failed', token: 1, outcome: undefined, error });
    const failed = await rejection(
      clientOf()
        .deferral(origin + url)
        .pollUntilDone(),
    );
    expect(failed).toMatchObject({ code: 'deferral-failed', reason: error });
  });

  it('cancels, and is told when it is too late', async () => {
    const one = await desk.accept();
    const poller = clientOf().deferral(origin + one.url);
    await poller.cancel();
    expect(await desk.ledger.find(one.id)).toMatchObject({ status: 'Canceled' });
    expect(await rejection(poller.pollUntilDone())).toMatchObject({ code: 'deferral-canceled' });
    const two = await desk.accept();
    await desk.step(two.id, performing);
    const late = await rejection(
      clientOf()
        .deferral(origin + two.url)
        .cancel(),
    );
    expect(late).toMatchObject({ code: 'not-cancelable' });
  });

  it('takes a deferral up again by its id, as the same requester and as nobody else', async () => {
    const { id } = await desk.accept({ requester: 'alice' });
    expect(await clientOf({ 'X-User': 'alice' }).deferral(id).poll()).toMatchObject({ id });
    const mallory = await rejection(clientOf({ 'X-User': 'mallory' }).deferral(id).poll());
    expect(mallory).toMatchObject({ code: 'not-found' });
    const nothing = await rejection(clientOf({ 'X-User': 'alice' }).deferral(nobodys).poll());
    expect(nothing).toMatchObject({ code: 'not-found' });
  });

  it('survives trouble of the ledger until it is over', async () => {
    const { id, url } = await desk.accept();
    let broken = true;
    const own = await office({
      records: {
        ledger: async () => {
          if (broken) throw new EngineError('engine-unavailable', 'none', 'its disk is away');
          return desk.ledger;
        },
      },
    });
    server.removeAllListeners('request').on('request', own.app);
    const waiting = clientOf()
      .deferral(origin + url)
      .pollUntilDone();
    await until(() => own.troubles.length >= 2);
    await desk.perform(id, { status: 200, headers: json, body: Buffer.from('{"late":true}') });
    broken = false;
    expect((await waiting).data).toEqual({ late: true });
    await own.close();
  });
});

describe('client.audit', () => {
  it('lists page by page, and gets deferrals, records, receipts and the checkpoint, verified', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await desk.accept({ requester: `r${i % 2}` })).id);
    const { audit } = clientOf({ Authorization: desk.token() });
    const listed: string[] = [];
    for await (const { id } of audit.deferrals({ limit: 2 })) listed.push(id);
    expect(listed).toEqual(ids);
    const first = await audit.page({ limit: 2 });
    const second = await audit.page({ limit: 4, cursor: first.next ?? '' });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
    expect(second.next).toBeUndefined();
    const exported: string[] = [];
    for await (const { id } of audit.export({ status: 'NotStarted' })) exported.push(id);
    expect(exported).toEqual(ids);
    const filtered: string[] = [];
    for await (const { id } of audit.deferrals({ requester: 'r1', status: 'NotStarted' })) filtered.push(id);
    expect(filtered).toEqual([ids[1], ids[3]]);
    const [id = ''] = ids;
    expect(await audit.get(id)).toMatchObject({ id, status: 'NotStarted' });
    expect(await audit.record(id)).toMatchObject({ id, position: 4 });
    expect(await audit.receipt(id)).toMatchObject({ index: 4, verified: true });
    expect(await audit.checkpoint('default')).toMatchObject({ size: 5, verified: true });
    const counts: unknown[] = [];
    for await (const one of audit.counts('requester', { phase: 'queued' })) counts.push(one);
    expect(counts).toMatchObject([{ count: 3 }, { count: 2 }]);
    const times = { createdFrom: '2026-01-01T00:00:00Z' };
    const crossed: AuditCount[] = [];
    for await (const one of audit.counts(['phase', 'requester'], times)) crossed.push(one);
    expect(crossed.map(({ count }) => count)).toEqual([3, 2]);
    expect(crossed[0]?.values).toEqual({ phase: 'queued', requester: expect.any(String) });
    expect(await audit.entries(id)).toMatchObject([{ position: 4, entry: expect.stringContaining(id) }]);
    const mapping = await audit.mapping(id);
    expect(mapping).toMatchObject({ id, first: { position: 4 }, second: { state: 'intact' } });
    expect(await audit.mapping({ record: mapping.second.key })).toEqual(mapping);
    expect(await audit.mapping({ position: 4, group: 'default' })).toEqual(mapping);
    const revealing = clientOf({ Authorization: desk.token('audit:read audit:reveal') }).audit;
    const query = { parameters: ['header accept-language', 'query force'], purpose: 'why & how?' };
    expect(await revealing.reveal(id, query)).toEqual([
      { name: 'header accept-language', value: 'de' },
      { name: 'query force', value: '1' },
    ]);
    const [, revealed] = await audit.entries(id);
    expect(JSON.parse(revealed?.entry ?? '')).toMatchObject({ type: 'revealed', ...query, by: 'token:ann' });
    expect(await rejection(audit.reveal(id, query))).toMatchObject({ status: 404 });
    expect(await rejection(audit.checkpoint('other'))).toMatchObject({ status: 404 });
  });

  it('lets a requester check by itself that its request was recorded, without a token (B-51)', async () => {
    const { id } = await desk.accept({ requester: 'alice' });
    const { audit } = clientOf({ 'X-User': 'alice' });
    const { verified, index } = await audit.receipt(id);
    const [accepted] = await audit.entries(id);
    expect([verified, accepted?.position]).toEqual([true, index]);
    expect(await audit.mapping(id)).toMatchObject({
      first: { position: index },
      second: { state: 'intact' },
    });
    expect(await rejection(clientOf({ 'X-User': 'mallory' }).audit.receipt(id))).toMatchObject({
      status: 404,
    });
  });

  it('comes from the first verifier key to the one in force, by rotations that anybody may read', async () => {
    const url = `${origin}${base}`;
    const before = await clientOf().audit.checkpoint('default');
    expect((await fetch(`${url}/ledger/default/rotations`)).ok).toBe(true);
    await addSigningKey(desk.bench, desk.opened);
    const next = await desk.ledger.rotateSigningKey('code:test');
    await desk.accept();
    const after = await clientOf().audit.checkpoint('default');
    expect(after).toMatchObject({ size: before.size + 2, verified: true });
    expect(() => verifyCheckpoint(after.text, [desk.ledger.verifierKey])).toThrow('no known key');
    const { rotations } = (await (await fetch(`${url}/ledger/default/rotations`)).json()) as {
      readonly rotations: readonly string[];
    };
    expect(walkRotations([desk.ledger.verifierKey], rotations).inForce).toEqual([next]);
    const stranger = openSigner(parseKeyFile(createKeyFile({ application: 'a', group: 'b' }))).verifierKey;
    const error = await rejection(clientOf({}, [stranger]).audit.checkpoint('default'));
    expect(error).toMatchObject({ code: 'note-unverified' });
  });

  it('meets nothing without a token, and is told what is wrong with a filter', async () => {
    expect(await rejection(clientOf().audit.deferrals().next())).toMatchObject({ status: 404 });
    const { audit } = clientOf({ Authorization: desk.token() });
    const wrong = await rejection(audit.deferrals({ limit: 1_001 }).next());
    expect(wrong).toMatchObject({ status: 400, response: { data: { code: 'parameter-invalid' } } });
  });
});
