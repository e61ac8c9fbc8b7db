import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { namesOf } from '../../../../packages/middleware/src/engines/nats/names.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { type Ledger, openLedger } from '../../../../packages/middleware/src/ledger/open-ledger.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { accepted } from '../../ledger/ledgers.ts';
import { fourLives, kindsOfKeys } from '../../ledger/retention-suite.ts';
import { until } from '../../perform/until.ts';

const names = namesOf('slackwater', scope.application, scope.group);
const stream = names.streams.store;
/** Half a minute passes in a tenth of a second; the wall clock goes on as ever, until a test moves it. */
let aheadMs = 0;
const hasty: Clock = {
  ...systemClock,
  wallNow: () => systemClock.wallNow() + aheadMs,
  after: (ms, callback) => systemClock.after(ms >= 10_000 ? ms / 300 : ms, callback),
};
let server: NatsServer;
let engine: OpenEngine;
let nats: NatsConnection;
let manager: JetStreamManager;

beforeAll(async () => {
  server = await startNats();
  engine = await natsEngine({ servers: server.servers, keys: createKeyFile(scope) }).open({
    ...scope,
    clock: hasty,
  });
  nats = await connect({ servers: server.servers });
  manager = await jetstreamManager(nats);
});

afterAll(async () => {
  await engine.close();
  await nats.close();
  await server.stop();
});

const subjectsOf = async (of: string): Promise<string[]> => {
  const { state } = await manager.streams.info(of, { subjects_filter: '>' });
  return Object.keys(state.subjects ?? {}).toSorted();
};
const subjects = (): Promise<string[]> => subjectsOf(stream);

describe('the sweeping of the NATS store', () => {
  it('removes what has expired and what was deleted, also long values, and nothing else', async () => {
    const soon = { expiresAt: hasty.wallNow() + 400 };
    await engine.store.put('stays', bytes('for ever'));
    await engine.store.put('later', bytes('x'), { expiresAt: hasty.wallNow() + 86_400_000 * 30 });
    await engine.store.put('stays/long', new Uint8Array(1_200_000));
    await engine.store.put('deleted', bytes('x'));
    await engine.store.delete('deleted');
    expect(await subjects()).toHaveLength(7);
    // Behind a key that lasts, what expires waits for it; so the order of writing is the order of going.
    aheadMs = 86_400_000 * 31;
    await engine.store.put('soon', bytes('x'), soon);
    await engine.store.put('soon/long', new Uint8Array(1_200_000), soon);
    await expect
      .poll(async () => (await subjects()).filter((subject) => subject.startsWith('$KV')), {
        timeout: 30_000,
      })
      .toEqual([names.storeSubject('stays'), names.storeSubject('stays/long')]);
    await expect.poll(async () => (await subjects()).length, { timeout: 30_000 }).toBe(5);
    expect((await engine.store.get('stays/long'))?.value.byteLength).toBe(1_200_000);
  });

  it('removes the pieces of a long value that no key names', async () => {
    const sent = headers();
    sent.set('Slackwater-Key', 'stays');
    const orphan = names.chunkSubject('orphan', 0);
    await manager.jetstream().publish(orphan, 'left behind', { headers: sent });
    await expect.poll(subjects, { timeout: 30_000 }).not.toContain(orphan);
    expect((await engine.store.get('stays'))?.value).toEqual(bytes('for ever'));
  });
});

describe('the sweeping of the NATS queue', () => {
  it('removes arrivals whose items all have messages of their own, and a host that starts misses none', async () => {
    const { queue } = engine;
    const items = ['a', 'b', 'c'].map((id, position) => ({ id, partition: 'p', priority: 1, position }));
    await Promise.all(items.map((item) => queue.enqueue(item)));
    const arrivals = async (): Promise<string[]> => {
      const { state } = await manager.streams.info(names.streams.queue, { subjects_filter: '>' });
      return Object.keys(state.subjects ?? {}).filter((subject) => names.isArrival(subject));
    };
    const claim = { partition: 'p', leaseMs: 60_000, holder: 'test' };
    const [first, second] = await queue.claim({ ...claim, limit: 2 });
    expect(await queue.settle('a', first?.token ?? 0)).toBe(true);
    expect(await arrivals()).toHaveLength(1);
    const [third] = await queue.claim({ ...claim, limit: 2 });
    expect([second?.id, third?.id]).toEqual(['b', 'c']);
    await expect.poll(arrivals, { timeout: 30_000 }).toEqual([]);
    const later = await natsEngine({ servers: server.servers, keys: createKeyFile(scope) }).open({
      ...scope,
      clock: systemClock,
    });
    expect(await later.queue.backlog()).toMatchObject([{ partition: 'p', items: 2 }]);
    expect(await later.queue.enqueue({ id: 'a', partition: 'p', priority: 1, position: 0 })).toBe(false);
    expect(await later.queue.settle('c', third?.token ?? 0)).toBe(true);
    await later.close();
  });
});

describe('what a settled deferral leaves on NATS', () => {
  const group = 'settled';
  const { streams } = namesOf('slackwater', scope.application, group);
  const dayMs = 86_400_000;
  const keys = createKeyFile({ ...scope, group });
  /** All that the servers keep by a name: subjects of the store, and keys in bundles. */
  const namesKept = async (): Promise<readonly string[]> => {
    const { state } = await manager.streams.info(streams.bundles);
    const inBundles: string[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage(streams.bundles, { seq });
      inBundles.push(...(message?.header?.get('Slackwater-Keys') ?? '').split(' '));
    }
    return [...(await subjectsOf(streams.store)), ...inBundles];
  };
  const areNamed = async (ids: readonly string[]): Promise<boolean> => {
    const kept = await namesKept();
    return ids.some((id) => kept.some((name) => name.includes(id)));
  };
  const opening = async (): Promise<{ opened: OpenEngine; ledger: Ledger }> => {
    const opened = await natsEngine({ servers: server.servers, keys }).open({
      ...{ ...scope, group, clock: hasty },
    });
    const ledger = await openLedger({
      ...{ engine: opened, clock: hasty, ...scope, group, keepOutcomeMs: 7 * dayMs },
      ...{ recoverEveryMs: 10_000, engineTimeoutMs: 9_000 },
    });
    return { opened, ledger };
  };

  it('is its entries and its blocks, and no other subject or bundle, on any host', async () => {
    const { opened, ledger } = await opening();
    const other = await opening();
    const lives = await fourLives(ledger);
    const settled = [lives.performed, lives.failed, lives.canceled];
    // The other host remembers what it has read.
    for (const id of settled) expect((await other.ledger.find(id))?.phase).toBe('settled');
    const entries = await opened.log.size();
    expect(await areNamed(settled)).toBe(true);

    aheadMs += 7 * dayMs;
    await until(async () => (await ledger.find(lives.performed)) === undefined);
    await until(
      async () => !(await areNamed(settled)),
      () => {
        aheadMs += 60_000;
      },
    );
    for (const host of [ledger, other.ledger]) {
      for (const id of settled) expect(await host.find(id)).toBeUndefined();
      await host.request(lives.waiting);
    }
    expect(await kindsOfKeys(other.opened, lives.performed)).toEqual([]);
    expect(await ledger.verify()).toMatchObject({ ok: true, size: entries });

    // It waits for so long that it is given messages of its own.
    await accepted(ledger);
    aheadMs += 31 * dayMs;
    await until(
      async () => (await manager.streams.info(streams.bundles)).state.messages === 1,
      () => {
        aheadMs += 60_000;
      },
    );
    expect(await subjectsOf(streams.store)).toContain(
      namesOf('slackwater', scope.application, group).storeSubject(`payload/${lives.waiting}`),
    );
    for (const host of [ledger, other.ledger]) {
      await host.request(lives.waiting);
      expect((await host.list({ limit: 10 })).deferrals.map(({ id }) => id)).toContain(lives.waiting);
    }
    for (const each of [{ opened, ledger }, other]) {
      await each.ledger.close();
      await each.opened.close();
    }
  });
});
