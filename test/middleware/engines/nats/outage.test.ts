import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { type NetworkProxy, startProxy } from '@slackwater/test-support/proxy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { openLedger } from '../../../../packages/middleware/src/ledger/open-ledger.ts';
import { bytes, scope, texts } from '../../../contracts/engine-under-test.ts';
import { acceptanceOf } from '../../ledger/ledgers.ts';

const keys = createKeyFile(scope);
const undo: (() => Promise<unknown>)[] = [];
const recovered = { timeout: 30_000, interval: 50 };
let server: NatsServer;
let proxy: NetworkProxy;
let troubles: string[];

beforeEach(async () => {
  troubles = [];
  server = await startNats();
  undo.push(() => server.stop());
  proxy = await startProxy(server.servers[0] ?? '');
  undo.push(() => proxy.stop());
});

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function open(address = proxy.address, more = {}): Promise<OpenEngine> {
  const engine = await natsEngine({ servers: address, keys, ...more }).open({
    ...scope,
    clock: systemClock,
    onTrouble: (_doing, error) => troubles.push(String(error)),
  });
  undo.push(() => engine.close());
  return engine;
}

describe('the NATS engine', () => {
  it('says at once that no server is there, with its address, and opens when one is', async () => {
    proxy.cut();
    await expect(open()).rejects.toMatchObject({
      code: 'engine-unavailable',
      fate: 'none',
      message: expect.stringContaining(proxy.address),
    });
    proxy.heal();
    await (await open()).log.append([bytes('a')]);
  });

  it('refuses calls at once while the connection is lost, and goes on by itself', async () => {
    const engine = await open();
    await engine.log.append([bytes('before')]);
    await engine.queue.enqueue({ id: 'x', partition: 'p', priority: 1, position: 0 });
    proxy.cut();
    await expect
      .poll(() => engine.log.append([bytes('lost')]).catch((error: unknown) => error), recovered)
      .toMatchObject({
        code: 'engine-unavailable',
        fate: 'none',
        message: 'NATS is not reachable at the moment.',
      });
    expect(troubles.join()).toContain('The connection to NATS was lost');
    expect(engine.status?.().connected).toBe(false);
    proxy.heal();
    await expect
      .poll(() => engine.store.put('key', bytes('value')).catch(() => undefined), recovered)
      .toBeGreaterThan(0);
    expect(engine.status?.()).toEqual({ connected: true, behind: 0 });
    const { first } = await engine.log.append([bytes('after')]);
    const all = texts(await engine.log.read(0, 10));
    expect(all[first]).toBe('after');
    expect(all[0]).toBe('before');
    expect(
      await engine.queue.claim({ partition: 'p', limit: 1, leaseMs: 1_000, holder: 'test' }),
    ).toMatchObject([{ id: 'x' }]);
  });

  it('has everything that was acknowledged after the server was killed and came back', async () => {
    const engine = await open();
    const { first } = await engine.log.append([bytes('acknowledged')]);
    const revision = await engine.store.put('key', bytes('value'));
    await server.kill();
    await server.restart();
    await expect.poll(() => engine.log.size().catch(() => undefined), recovered).toBe(1);
    expect(texts(await engine.log.read(first, 1))).toEqual(['acknowledged']);
    expect(await engine.store.get('key')).toEqual({ value: bytes('value'), revision });
    expect(await engine.log.append([bytes('next')])).toEqual({ first: 1 });
  });

  it('leaves the fate of an append open whose answer was lost; the log tells', async () => {
    const engine = await open();
    await engine.log.append([bytes('a')]);
    proxy.stall('answers');
    await expect(engine.log.append([bytes('b')])).rejects.toMatchObject({
      code: 'engine-unavailable',
      fate: 'unknown',
    });
    proxy.drop();
    proxy.heal();
    await expect.poll(() => engine.log.size().catch(() => undefined), recovered).toBe(2);
    expect(texts(await engine.log.read(0, 10))).toEqual(['a', 'b']);
    expect(await engine.log.append([bytes('c')])).toEqual({ first: 2 });
  });

  it('tells the ledger within engineTimeoutMs; a request whose answer was lost is recorded once, however late it is repeated', async () => {
    const engine = await open();
    const ledger = await openLedger({ ...scope, engine, clock: systemClock, engineTimeoutMs: 500 });
    undo.push(() => ledger.close());
    const request = acceptanceOf({ idempotencyKey: 'one' });
    const first = await ledger.accept(acceptanceOf());
    expect(first.kind).toBe('accepted');
    proxy.stall('answers');
    const before = systemClock.now();
    await expect(ledger.accept(request)).rejects.toMatchObject({ code: 'engine-timeout' });
    // NATS itself is waited for up to 5 s.
    expect(systemClock.now() - before).toBeLessThan(4_500);
    proxy.drop();
    proxy.heal();
    let repeated: unknown;
    await expect
      .poll(async () => {
        repeated = await ledger.accept(request).catch(() => undefined);
        return repeated;
      }, recovered)
      .toMatchObject({ kind: 'accepted' });
    const again = await ledger.accept(request);
    expect(again).toMatchObject({ kind: 'accepted', repeated: true });
    const accepts = texts(await engine.log.read(0, 100)).filter((text) => text.includes('"type":"accepted"'));
    expect(accepts).toHaveLength(2);
    expect(await ledger.verify()).toMatchObject({ ok: true });
  });
});

describe('the bounds of a NATS server', () => {
  it('refuse at the start messages that are too small for a batch', async () => {
    await server.restart({ maxPayloadBytes: 65_536 });
    await expect(open(server.servers[0])).rejects.toMatchObject({
      code: 'engine-unavailable',
      message: expect.stringContaining('takes messages of 65536 bytes at most; set its max_payload'),
    });
  });

  it('say engine-full with the fate none, show nothing half-written, and are told as they are', async () => {
    const engine = await open(server.servers[0], { maxBytes: 2 * 1024 * 1024 });
    const value = new Uint8Array(400_000).fill(7);
    const kept: string[] = [];
    let refusal: unknown;
    for (let i = 0; refusal === undefined && i < 20; i++) {
      await engine.store.put(`k/${i}`, value).then(
        () => kept.push(`k/${i}`),
        (error: unknown) => {
          refusal = error;
        },
      );
    }
    expect(refusal).toMatchObject({
      code: 'engine-full',
      fate: 'none',
      message: expect.stringContaining('raise the limit'),
    });
    expect((await engine.store.list('k/', { limit: 100 })).map(({ key }) => key)).toEqual(kept);
    const long = new Uint8Array(1_500_000);
    await expect(engine.store.put('long', long)).rejects.toMatchObject({ code: 'engine-full' });
    expect(await engine.store.get('long')).toBeUndefined();
    expect(await engine.log.append([bytes('the log has room of its own')])).toEqual({ first: 0 });
  });
});
