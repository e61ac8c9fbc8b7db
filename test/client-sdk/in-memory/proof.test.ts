import {
  memoryStore,
  type ReceiptStore,
  ReceiptStoreError,
  type SlackwaterClient,
  webStore,
} from '@slackwater/client-sdk';
import {
  fakeClock,
  type ProofForger,
  proofForger,
  replies,
  type ScriptedReply,
  type ScriptedRequest,
} from '@slackwater/client-sdk/testing';
import {
  canonicalJson,
  type DeferralResource,
  type LedgerEntry,
  outcomeDigest,
  parseEntry,
} from '@slackwater/shared';
import { beforeEach, describe, expect, it } from 'vitest';
import { endOf, type Rig, rig } from './rig.ts';

const { answer, deferred, outcome, status } = replies;
const record = canonicalJson({ body: 'e30=', headers: [], status: 201 });

let forger: ProofForger;
let resource: DeferralResource;
let store: ReceiptStore;
/** The entries that the server tells of, with their positions; undefined where it tells this caller nothing. */
let told: { position: number; entry: LedgerEntry }[] | undefined;
/** What is answered instead of what would be. */
let instead: (request: ScriptedRequest) => ScriptedReply | undefined;
let checkpoint: () => Promise<string>;
let notes: string[];

const entryOf = ({ entry }: DeferralResource): LedgerEntry =>
  parseEntry(Uint8Array.from(atob(entry), (c) => c.charCodeAt(0)));
const accepted = (): LedgerEntry => entryOf(resource);

/** Appends an entry about the deferral, and tells of it. */
function step(changes: Partial<LedgerEntry>): void {
  const { payload: _payload, ...base } = accepted();
  const entry = { ...base, at: '2026-01-01T00:01:00.000Z', ...changes } as LedgerEntry;
  told?.push({ position: forger.append(entry), entry });
}

/** Lets the ledger grow by entries of others. */
async function append(count: number): Promise<void> {
  if (count === 0) return;
  const entry = entryOf(await forger.accept());
  for (let i = 1; i < count; i++) forger.append(entry);
}

beforeEach(async () => {
  forger = await proofForger();
  await append(3);
  resource = await forger.accept({ contentType: 'application/json', body: '{"sku":"a"}' });
  store = memoryStore();
  told = [];
  instead = () => undefined;
});

/** A client at the server that the variables above describe. */
async function proving(options: Parameters<typeof rig>[1] = {}): Promise<Rig> {
  notes = [await forger.checkpoint()];
  const own = rig((request) => instead(request) ?? byPath(request), {
    verifierKeys: [forger.verifierKey],
    receipts: store,
    ...options,
  });
  return own;
}

function byPath({ method, url, nth }: ScriptedRequest): ScriptedReply {
  const path = url.replace('/slackwater', '');
  if (method === 'POST') return deferred(resource);
  if (path.startsWith('/ledger/default/tile/')) {
    const tile = forger.tile(path.replace('/ledger/default/', ''));
    return tile === undefined ? answer(404) : answer(200, tile);
  }
  if (path === '/ledger/default/checkpoint') return answer(200, notes.at(-1));
  if (path.endsWith('/entries')) {
    const entries = told?.map(({ position, entry }) => ({ position, entry: canonicalJson({ ...entry }) }));
    return entries === undefined ? answer(404) : answer(200, { entries });
  }
  if (path.includes('as=record')) return answer(200, record);
  if (path.includes('/outcome')) return outcome(201);
  return nth < 0 ? answer(500) : status({ ...resource, status: 'Succeeded', phase: 'settled' });
}

/** Sends the request that the deferral is of, so that its proof is kept. */
async function order(one: Rig): Promise<unknown> {
  return await endOf(one, one.client.post('/orders', { sku: 'a' }));
}

async function verified(one: Rig): ReturnType<SlackwaterClient['audit']['verify']> {
  notes.push(await checkpoint());
  return await one.clock.settle(one.client.audit.verify(resource.id));
}

beforeEach(() => {
  checkpoint = () => forger.checkpoint();
});

describe('client.audit.verify', () => {
  it('proves that the very entry of the request that was sent is in the ledger, steps and outcome included', async () => {
    const one = await proving();
    await order(one);
    step({ type: 'performing', attempt: 1 });
    step({
      type: 'performed',
      attempt: 1,
      status: 201,
      outcome: outcomeDigest(bytes(record), resource.salt) ?? '',
    });
    await append(300);
    const verification = await verified(one);
    expect(verification).toMatchObject({
      id: resource.id,
      index: 3,
      isOwn: true,
      outcome: 'matches',
      consistentWith: 1,
      head: { size: 306 },
      entry: { type: 'accepted' },
      later: [{ type: 'performing' }, { type: 'performed' }],
      promise: { state: 'none' },
    });
  });

  it('proves it by public tiles alone where the caller may read nothing else', async () => {
    const one = await proving();
    await order(one);
    told = undefined;
    await append(2);
    expect(await verified(one)).toMatchObject({ isOwn: true, outcome: 'unknown', later: undefined });
  });

  it('proves what is there of a deferral whose proof was not kept, and says that it is not the caller\u2019s own', async () => {
    const one = await proving();
    expect(await verified(one)).toMatchObject({ isOwn: false, index: 3 });
  });

  it('proves that the ledger goes on from every head that was ever seen', async () => {
    const one = await proving();
    await order(one);
    for (const more of [1, 255, 300]) {
      await append(more);
      notes.push(await forger.checkpoint());
      await one.clock.settle(one.client.audit.checkpoint('default'));
    }
    await append(5);
    expect((await verified(one)).consistentWith).toBe(4);
    // That of the receipt itself, which is looked at each time.
    expect((await verified(one)).consistentWith).toBe(1);
  });

  it('says what became of a promise', async () => {
    resource = await forger.accept(
      { contentType: 'application/json', body: '{"sku":"a"}' },
      { deadlineAt: '2026-01-01T00:02:00.000Z' },
    );
    const one = await proving();
    await order(one);
    expect((await verified(one)).promise).toMatchObject({ state: 'open' });
    step({ type: 'performed', attempt: 1, status: 201 });
    notes.push(await forger.checkpoint());
    expect(await one.clock.settle(one.client.audit.promise(resource.id))).toMatchObject({ state: 'kept' });
  });

  it('survives proofs in another store, and a proof that is kept is not replaced by one without its request', async () => {
    const kept = new Map<string, string>();
    store = webStore({
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, text) => void kept.set(key, text),
    });
    await order(await proving());
    const later = await proving();
    await later.clock.settle(later.client.deferral(resource.id).pollUntilDone());
    expect(await verified(later)).toMatchObject({ isOwn: true });
    expect([...kept.keys()][0]).toMatch(/^slackwater:/);
    expect(JSON.stringify([...kept])).not.toContain('capability');
  });

  it('is not needed for a call to go well: a store that fails harms nobody', async () => {
    const failing = async (): Promise<never> => {
      throw new Error('the disk is full');
    };
    store = { get: failing, set: failing };
    expect(await order(await proving())).toMatchObject({ status: 201 });
  });

  const questions = ['verify', 'promise', 'receipt', 'checkpoint'] as const;

  it.each([
    { method: 'get', asked: questions },
    { method: 'set', asked: questions.slice(0, 2) },
  ])(
    'of a store that fails to $method is an error that says so, and no word about the ledger',
    async ({ method, asked }) => {
      await order(await proving());
      const full = new Error('the disk is full');
      const one = await proving({ receipts: { ...store, [method]: () => Promise.reject(full) } });
      for (const name of asked) {
        notes.push(await checkpoint());
        const error = await endOf(
          one,
          one.client.audit[name](name === 'checkpoint' ? 'default' : resource.id),
        );
        expect(error, name).toBeInstanceOf(ReceiptStoreError);
        expect(error).toMatchObject({ code: 'receipt-store-failed', method, retryable: true, cause: full });
        expect(error).toMatchObject({ message: expect.stringMatching(/disk is full.*receipts/) });
      }
    },
  );
});

describe('a ledger that was rewritten', () => {
  const forked = { code: 'ledger-forked', before: { size: 4 }, after: {} };

  it.each([
    ['and went on', 20],
    ['and is as long as before', 0],
  ])('%s is shown by both heads', async (_how, more) => {
    const one = await proving();
    await order(one);
    forger.rewrite(1, { ...accepted(), id: '01JQ0000000000000000000099' });
    await append(more);
    notes.push(await forger.checkpoint());
    const error = await endOf(one, one.client.audit.verify(resource.id));
    expect(error).toMatchObject({ ...forked, after: { size: 4 + more, note: notes.at(-1) } });
    expect(JSON.stringify(error)).toContain('"before":{');
  });

  it('and is shorter than it was is shown too', async () => {
    const one = await proving();
    await append(10);
    notes.push(await forger.checkpoint());
    await one.clock.settle(one.client.audit.checkpoint('default'));
    notes.push(await forger.checkpoint(6));
    instead = ({ url }) => (url.includes('/tile/') ? answer(404) : undefined);
    const error = await endOf(one, one.client.audit.verify(resource.id));
    expect(error).toMatchObject({ code: 'ledger-forked', before: { size: 14 }, after: { size: 6 } });
  });

  it('is not what a host is that is a little behind', async () => {
    const one = await proving();
    await append(10);
    notes.push(await forger.checkpoint());
    await one.clock.settle(one.client.audit.checkpoint('default'));
    checkpoint = () => forger.checkpoint(6);
    expect(await verified(one)).toMatchObject({ head: { size: 14 }, consistentWith: 2 });
  });

  it.each([
    ['shorter', 2],
    ['longer', 400],
  ])('is not what a damaged store says, of a ledger that is %s', async (_how, size) => {
    const one = await proving();
    await order(one);
    await append(8);
    const origin = notes[0]?.split('\n')[0];
    const seen = [{ origin, size, root: btoa('0'.repeat(32)), note: notes[0] }];
    await store.set(`checkpoints/${origin}`, JSON.stringify({ v: 1, seen }));
    expect(await verified(one)).toMatchObject({ isOwn: true, head: { size: 12 } });
    await store.set(`checkpoints/${origin}`, '{"v":1,"seen":[null,{"size":"x"}]');
    expect(await verified(one)).toMatchObject({ isOwn: true });
  });

  it('is found where it was rewritten before this client ever asked again, in the entry itself', async () => {
    const one = await proving();
    await order(one);
    forger.rewrite(3, { ...accepted(), partition: 'elsewhere' });
    notes.push(await forger.checkpoint());
    expect(await endOf(one, one.client.audit.verify(resource.id))).toMatchObject({ code: 'ledger-forked' });
  });
});

describe('what does not hold', () => {
  it('are tiles of another tree: they prove nothing, neither for nor against the ledger', async () => {
    const one = await proving();
    await order(one);
    await append(7);
    instead = ({ url }) => (url.includes('/tile/') ? answer(200, new Uint8Array(32 * 11)) : undefined);
    notes.push(await forger.checkpoint());
    expect(await endOf(one, one.client.audit.verify(resource.id))).toMatchObject({
      code: 'response-malformed',
    });
  });

  it('is an outcome of another digest', async () => {
    const one = await proving();
    await order(one);
    step({
      type: 'performed',
      attempt: 1,
      status: 201,
      outcome: outcomeDigest(bytes('other'), resource.salt) ?? '',
    });
    notes.push(await forger.checkpoint());
    expect(await endOf(one, one.client.audit.verify(resource.id))).toMatchObject({
      code: 'receipt-unverified',
    });
  });

  it('is an entry that the server tells of and the ledger does not have', async () => {
    const one = await proving();
    await order(one);
    step({ type: 'performed', attempt: 1, status: 201 });
    told = told?.map(({ position, entry }) => ({ position, entry: { ...entry, status: 500 } }));
    notes.push(await forger.checkpoint());
    expect(await endOf(one, one.client.audit.verify(resource.id))).toMatchObject({
      code: 'receipt-unverified',
    });
  });

  it('is a head that another key signed', async () => {
    const one = await proving();
    await order(one);
    const stranger = await proofForger();
    await stranger.accept();
    notes.push(await stranger.checkpoint());
    instead = ({ url }) => (url.endsWith('/receipt') ? answer(404) : undefined);
    expect(await endOf(one, one.client.audit.verify(resource.id))).toMatchObject({ code: 'note-unverified' });
  });

  it('is nothing where there is no key to verify by, or no id', async () => {
    const one = await proving({ verifierKeys: [] });
    expect(await endOf(one, one.client.audit.verify(resource.id))).toMatchObject({
      code: 'parameter-invalid',
    });
    const call = (): unknown => one.client.audit.verify('../x');
    expect(call).toThrow(expect.objectContaining({ code: 'parameter-invalid' }));
  });
});

describe('a store in memory', () => {
  it('keeps what was set last, and only so much', async () => {
    const texts = memoryStore();
    for (let i = 0; i < 2_100; i++) await texts.set(`k${i}`, String(i));
    expect([await texts.get('k0'), await texts.get('k2099')]).toEqual([undefined, '2099']);
    expect(fakeClock().timers).toBe(0);
  });
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
