import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { namesOf } from '../../../../packages/middleware/src/engines/nats/names.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { deleteStreams } from './place.ts';

const keys = createKeyFile(scope);
const names = namesOf('slackwater', scope.application, scope.group);
const open: OpenEngine[] = [];
let troubles: string[];
let server: NatsServer;
let nats: NatsConnection;
let manager: JetStreamManager;

beforeAll(async () => {
  server = await startNats();
  nats = await connect({ servers: server.servers });
  manager = await jetstreamManager(nats);
});

beforeEach(() => {
  troubles = [];
});

afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close();
  await deleteStreams(server.servers, 'slackwater');
});

afterAll(async () => {
  await nats.close();
  await server.stop();
});

async function openEngine(indexDirectory?: string): Promise<OpenEngine> {
  const place = indexDirectory === undefined ? {} : { indexDirectory };
  const engine = await natsEngine({ servers: server.servers, keys, ...place }).open({
    ...scope,
    clock: systemClock,
    onTrouble: (_, error) => troubles.push(String(error)),
  });
  open.push(engine);
  return engine;
}

const messagesIn = async (stream: string): Promise<number> =>
  (await manager.streams.info(stream)).state.messages;
const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `i${1_000 + i}`);

describe('keys of which many are made at a time', () => {
  it('are made in few messages, in a stream of their own, and read and listed on every host', async () => {
    const [engine, other] = [await openEngine(), await openEngine()];
    const made = await Promise.all(
      ids(500).map((id) => engine.store.create(`payload/${id}`, bytes(`of ${id}`))),
    );
    expect(made.every((revision) => revision === 1)).toBe(true);
    expect(await messagesIn(names.streams.bundles)).toBeLessThan(20);
    expect(await messagesIn(names.streams.store)).toBe(0);
    for (const { store } of [engine, other]) {
      expect(await store.get('payload/i1499')).toEqual({ value: bytes('of i1499'), revision: 1 });
      const page = await store.list('payload/', { limit: 3, after: 'payload/i1001' });
      expect(page.map(({ key }) => key)).toEqual(['payload/i1002', 'payload/i1003', 'payload/i1004']);
    }
  });

  it('have the value of the first of several hosts that make one at once, and one winner', async () => {
    const engines = [await openEngine(), await openEngine(), await openEngine()];
    for (const id of ids(30)) {
      const tried = await Promise.all(
        engines.map(({ store }, i) => store.create(`deferral/${id}`, bytes(String(i)))),
      );
      const winners = tried.flatMap((revision, i) => (revision === undefined ? [] : [i]));
      expect(winners).toHaveLength(1);
      for (const { store } of engines) {
        expect((await store.get(`deferral/${id}`))?.value).toEqual(bytes(String(winners[0])));
      }
    }
  });

  it('stay deleted for who reads the streams from their beginning, and can be made again', async () => {
    const { store } = await openEngine();
    const revision = await store.create('payload/a', bytes('1'));
    expect(await store.delete('payload/a', revision)).toBe(true);
    const later = (await openEngine()).store;
    expect(await later.get('payload/a')).toBeUndefined();
    expect(await later.list('payload/', { limit: 10 })).toEqual([]);
    const again = await later.create('payload/a', bytes('2'));
    expect(again).toBeGreaterThan(revision ?? 0);
    expect(await store.get('payload/a')).toEqual({ value: bytes('2'), revision: again });
  });

  it('are found by an index that goes on from a directory, with what was made meanwhile', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'slackwater-bundles-'));
    const first = await openEngine(directory);
    await first.store.create('payload/a', bytes('1'));
    await first.close();
    await (await openEngine()).store.create('payload/b', bytes('2'));
    const again = await openEngine(directory);
    expect((await again.store.get('payload/a'))?.value).toEqual(bytes('1'));
    expect((await again.store.get('payload/b'))?.value).toEqual(bytes('2'));
    await again.close();
    rmSync(directory, { recursive: true });
    expect(troubles.filter((text) => text.includes('index'))).toEqual([]);
  });

  describe('whose bundle is gone, and was before a host could hear of it', () => {
    /** The first host has made it, and its bundle went, as sweeping does that. */
    async function madeAndGone(change: (engine: OpenEngine) => Promise<unknown>): Promise<OpenEngine> {
      const engine = await openEngine();
      await engine.store.create('payload/a', bytes('1'));
      await change(engine);
      await engine.store.create('payload/newest', bytes('x'));
      await manager.streams.deleteMessage(names.streams.bundles, 1);
      return engine;
    }

    it('are not made again by that host while they are there', async () => {
      const engine = await madeAndGone(({ store }) => store.update('payload/a', bytes('2'), 1));
      const { store } = await openEngine();
      expect(await store.create('payload/a', bytes('3'))).toBeUndefined();
      for (const each of [engine.store, store]) {
        expect((await each.get('payload/a'))?.value).toEqual(bytes('2'));
      }
    });

    it('are made again there when they were deleted, for every host', async () => {
      const engine = await madeAndGone(({ store }) => store.delete('payload/a'));
      const { store } = await openEngine();
      const revision = await store.create('payload/a', bytes('3'));
      for (const each of [engine.store, store, (await openEngine()).store]) {
        expect(await each.get('payload/a')).toEqual({ value: bytes('3'), revision });
        expect(await each.create('payload/a', bytes('4'))).toBeUndefined();
      }
    });

    it('have one winner where nothing of them is left, among hosts that knew them and that did not', async () => {
      const engine = await madeAndGone(async () => {});
      const hosts = [engine, await openEngine(), await openEngine()];
      const tried = await Promise.all(
        hosts.map(({ store }, i) => store.create('payload/a', bytes(String(i)))),
      );
      const winners = tried.flatMap((revision, i) => (revision === undefined ? [] : [i]));
      expect(winners).toHaveLength(1);
      for (const { store } of [...hosts, await openEngine()]) {
        expect((await store.get('payload/a'))?.value).toEqual(bytes(String(winners[0])));
        expect((await store.list('payload/', { limit: 1 }))[0]?.key).toBe('payload/a');
      }
    });

    it('are known to be unheard of by an index that goes on from a directory, too', async () => {
      await madeAndGone(({ store }) => store.update('payload/a', bytes('2'), 1));
      const directory = mkdtempSync(join(tmpdir(), 'slackwater-bundles-'));
      const first = await openEngine(directory);
      await first.store.list('payload/', { limit: 1 });
      await first.close();
      const again = await openEngine(directory);
      expect(await again.store.create('payload/a', bytes('3'))).toBeUndefined();
      await again.close();
      rmSync(directory, { recursive: true });
    });
  });

  it('are not made by what somebody else published; that is told of', async () => {
    const engine = await openEngine();
    await manager.jetstream().publish(names.bundleSubject, 'not ours');
    expect(await engine.store.create('payload/a', bytes('1'))).toBe(1);
    expect(troubles.join()).toContain(`Message 1 of the stream ${names.streams.bundles}`);
    const sent = headers();
    sent.set('Slackwater-Keys', 'payload/b');
    await manager.jetstream().publish(names.bundleSubject, 'x', { headers: sent });
    await expect(engine.store.get('payload/b')).rejects.toMatchObject({ code: 'engine-corrupt' });
    expect((await engine.store.get('payload/a'))?.value).toEqual(bytes('1'));
  });
});

it('keeps the value that counts of a key that one host makes hundreds of times at once', async () => {
  const { store } = await openEngine();
  const values = ids(300).map(bytes);
  const revisions = await Promise.all(values.map((value) => store.create('requester/new', value)));
  const winners = revisions.flatMap((revision, i) => (revision === undefined ? [] : [i]));
  expect(winners).toHaveLength(1);
  expect((await store.get('requester/new'))?.value).toEqual(values[winners[0] ?? 0]);
});

describe('items that come together', () => {
  it('are few messages, which go when each item has one of its own; a host that starts sees the same', async () => {
    const { queue } = await openEngine();
    const items = ids(100).map((id, position) => ({ id, partition: 'p', priority: 1, position }));
    expect(await Promise.all(items.map((item) => queue.enqueue(item)))).not.toContain(false);
    // With the clock's mark.
    expect(await messagesIn(names.streams.queue)).toBeLessThan(10);
    const later = await openEngine();
    expect(await later.queue.enqueue({ id: 'i1001', partition: 'p', priority: 1, position: 1 })).toBe(false);
    const claims = await later.queue.claim({ partition: 'p', limit: 100, leaseMs: 60_000, holder: 'h' });
    expect(claims.map(({ id }) => id)).toEqual(ids(100));
    for (const { id, token } of claims.slice(1)) expect(await queue.settle(id, token)).toBe(true);
    const last = await openEngine();
    expect(await last.queue.backlog()).toMatchObject([{ partition: 'p', items: 1 }]);
    expect(await last.queue.settle('i1000', claims[0]?.token ?? 0)).toBe(true);
  });

  it('are enqueued once where one id comes twice in a moment', async () => {
    const { queue } = await openEngine();
    const item = { id: 'i1', partition: 'p', priority: 1, position: 1 };
    const answers = await Promise.all([queue.enqueue(item), queue.enqueue({ ...item, priority: 2 })]);
    expect(answers).toEqual([true, false]);
    expect(await queue.backlog()).toMatchObject([{ items: 1, duePriority: 1 }]);
  });
});
