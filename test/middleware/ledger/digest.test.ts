import { createHash } from 'node:crypto';
import { canonicalJson, parseEntry } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../packages/middleware/src/clock.ts';
import { type DataKeys, openDataKeys } from '../../../packages/middleware/src/ledger/data-keys.ts';
import type { CapturedRequest, Outcome } from '../../../packages/middleware/src/ledger/deferral.ts';
import { openIdentity } from '../../../packages/middleware/src/ledger/identity.ts';
import { outcomeBytes } from '../../../packages/middleware/src/ledger/payload-digest.ts';
import {
  openPayload,
  sealPayload,
  splitPayload,
} from '../../../packages/middleware/src/ledger/payload-record.ts';
import type { Vault } from '../../../packages/middleware/src/ledger/vault.ts';
import { accepted, type Bench, ledgerBench, type OpenedLedger, requestOf } from './ledgers.ts';

let bench: Bench;
let opened: OpenedLedger;
let dataKeys: DataKeys;

async function vaultOf(id: string): Promise<Vault> {
  return dataKeys.need((await opened.ledger.find(id))?.requester ?? '');
}

beforeEach(async () => {
  bench = await ledgerBench();
  opened = await bench.open();
  const setup = { application: 'payments', group: 'default', origin: undefined, clock: systemClock };
  const ring = await openIdentity(opened.engine, setup);
  const { wrappedKeys } = opened.engine;
  const keys = { wrappedKeys, ring, clock: systemClock, keyCacheMs: 5_000, isNew: async () => true };
  dataKeys = await openDataKeys(keys);
});

afterEach(() => bench.end());

/** Writes another request over the stored one, as whoever has the keys can: everything of it opens. */
async function forge(id: string, change: Partial<CapturedRequest>): Promise<void> {
  const key = `payload/${id}`;
  const stored = await opened.engine.store.get(key);
  if (stored === undefined) throw new Error('there is no payload');
  const vault = await vaultOf(id);
  const payload = splitPayload(id, stored.value);
  const { facts, request } = openPayload(vault, payload);
  const of = { vault, id, pseudonym: payload.pseudonym };
  await opened.engine.store.put(key, sealPayload(of, facts, { ...request, ...change }, 'all'));
}

describe('the digest in the first record', () => {
  it.each([
    ['body', { body: Buffer.from('{"amount":1000000}') }],
    ['path', { url: '/payments/4712/settle' }],
    ['headers', { headers: [['content-type', 'text/plain']] }],
    ['identity', { identity: { sub: 'mallory' } }],
    ['address', { remoteAddress: '203.0.113.9' }],
    ['word that it came by TLS', { secure: true }],
  ] satisfies [string, Partial<CapturedRequest>][])(
    'refuses a second record whose %s was changed by somebody who has the keys (B-26)',
    async (_what, change) => {
      const { id } = await accepted(opened.ledger, { request: requestOf() });
      await forge(id, {});
      await opened.ledger.request(id);
      await forge(id, change);
      await expect(opened.ledger.request(id)).rejects.toMatchObject({ code: 'record-corrupt' });
    },
  );

  it('gives out no outcome that somebody who has the keys put in the place of the true one', async () => {
    const { ledger, engine } = opened;
    const { id } = await accepted(ledger);
    const outcome = { status: 201, headers: [], body: Buffer.from('order 7') };
    await ledger.step(id, { type: 'performing', token: 1 });
    await ledger.step(id, { type: 'performed', token: 1, outcome });
    const vault = await vaultOf(id);
    const write = (other: Outcome): Promise<unknown> =>
      engine.store.put(`outcome/${id}/1`, vault.seal(id, 'outcome 1', outcomeBytes(other)));
    await write(outcome);
    expect((await ledger.outcome(id))?.status).toBe(201);
    await write({ ...outcome, body: Buffer.from('order 8') });
    await expect(ledger.outcome(id)).rejects.toMatchObject({ code: 'record-corrupt' });
  });

  it('lets a caller check by itself, from its request and the salt, that it was recorded unaltered (B-51)', async () => {
    const request = requestOf();
    const { id } = await accepted(opened.ledger, { request });
    const { entry } = await opened.ledger.proof(id);
    const { salt } = (await opened.ledger.find(id)) ?? { salt: '' };
    const digestOf = (body: Uint8Array): string => {
      const contentType = request.headers.find(([name]) => name === 'content-type')?.[1];
      const { method, url } = request;
      const text = canonicalJson({ body: Buffer.from(body).toString('base64'), contentType, method, url });
      return createHash('sha256').update(Buffer.from(salt, 'base64')).update(text).digest('base64');
    };
    expect(parseEntry(entry).payload).toBe(digestOf(request.body));
    expect(parseEntry(entry).payload).not.toBe(digestOf(Buffer.from('another')));
  });
});
