import { type NatsPermissions, type NatsServer, startNats } from '@slackwater/test-support/nats';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { natsEngine, natsPermissions } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { openLedger } from '../../../../packages/middleware/src/ledger/open-ledger.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { acceptanceOf } from '../../ledger/ledgers.ts';

const listed = natsPermissions(scope);
const keys = createKeyFile(scope);
const gate = { user: 'gate', password: 'gate' };
const operator = { user: 'operator', password: 'operator' };
const undo: (() => Promise<unknown>)[] = [];
let server: NatsServer;

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** The gate's user may do this and nothing else. */
const onlyThis = ({ publish, subscribe }: { publish: readonly string[]; subscribe: readonly string[] }) => {
  const permissions: NatsPermissions = { publish: { allow: publish }, subscribe: { allow: subscribe } };
  return { auth: { users: [{ ...gate, permissions }, operator] } };
};

async function start(publish: readonly string[] = listed.publish): Promise<void> {
  server = await startNats(onlyThis({ ...listed, publish }));
  undo.push(() => server.stop());
}

async function open(who: typeof gate = gate): Promise<OpenEngine> {
  const engine = await natsEngine({ servers: server.servers, keys, ...who }).open({
    ...scope,
    clock: systemClock,
  });
  undo.push(() => engine.close());
  return engine;
}

/** Everything that an engine is asked to do. */
async function useAll(engine: OpenEngine): Promise<void> {
  const { log, store, queue } = engine;
  await log.append([bytes('entry')]);
  const long = new Uint8Array(1_500_000);
  const revision = await store.put('a/long', long);
  await store.update('a/long', bytes('short'), revision);
  await store.delete('a/long');
  await store.put('a/key', bytes('value'), { expiresAt: Date.now() + 60_000 });
  expect((await store.list('a/', { limit: 10 })).map(({ key }) => key)).toEqual(['a/key']);
  await queue.enqueue({ id: 'x', partition: 'p', priority: 1, position: 0 });
  const [claim] = await queue.claim({ partition: 'p', limit: 1, leaseMs: 1_000, holder: 'test' });
  expect(await queue.settle('x', claim?.token ?? 0)).toBe(true);
}

describe('the permissions that natsPermissions lists', () => {
  it('are all that the engine and a ledger on it need', async () => {
    await start();
    const engine = await open();
    await useAll(engine);
    await engine.close();
    const again = await open();
    expect(await again.log.size()).toBe(1);
  });

  it('let a ledger accept, read and verify', async () => {
    await start();
    const ledger = await openLedger({ ...scope, engine: await open(), clock: systemClock });
    undo.push(() => ledger.close());
    const accepted = await ledger.accept(acceptanceOf());
    if (accepted.kind !== 'accepted') throw new Error(accepted.kind);
    expect(await ledger.find(accepted.deferral.id)).toMatchObject({ id: accepted.deferral.id });
    expect(await ledger.list({ limit: 10 })).toMatchObject({ deferrals: [{ id: accepted.deferral.id }] });
    expect(await ledger.verify()).toMatchObject({ ok: true, size: 1 });
  });

  it('need no right to make streams where an operator has made them', async () => {
    await start(natsPermissions({ ...scope, create: false }).publish);
    await expect(open()).rejects.toMatchObject({ code: 'engine-unavailable' });
    await (await open(operator)).close();
    await useAll(await open());
  });

  it('are asked for by name where one is missing', async () => {
    const subject = listed.publish.find((one) => one.startsWith('$JS.API.STREAM.MSG.GET.KV_')) ?? '';
    await start(listed.publish.filter((one) => one !== subject));
    const engine = await open();
    await expect(engine.store.get('key')).rejects.toMatchObject({
      code: 'engine-unavailable',
      fate: 'none',
      message: expect.stringContaining(`no permission to publish "${subject}"`),
    });
  });

  it('may be taken away while the engine runs: calls say which, and go on when it is given back', async () => {
    await start();
    const engine = await open();
    await engine.log.append([bytes('before')]);
    const append = listed.publish.find((one) => one.endsWith('.log')) ?? '';
    await server.restart(onlyThis({ ...listed, publish: listed.publish.filter((one) => one !== append) }));
    await expect
      .poll(() => engine.log.append([bytes('without')]).catch((error: Error) => error.message), {
        timeout: 30_000,
      })
      .toContain(`no permission to publish "${append}"`);
    expect(await engine.store.put('key', bytes('value'))).toBeGreaterThan(0);
    await server.restart(onlyThis(listed));
    await expect
      .poll(() => engine.log.append([bytes('after')]).catch(() => undefined), { timeout: 30_000 })
      .toEqual({ first: 1 });
  });
});
