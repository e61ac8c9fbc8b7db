import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { type NatsCluster, type NatsNode, startNatsCluster } from '@slackwater/test-support/nats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { type Names, namesOf } from '../../../../packages/middleware/src/engines/nats/names.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { bytes, scope, texts } from '../../../contracts/engine-under-test.ts';

const keys = createKeyFile(scope);
const streamsOf = (prefix: string): Names['streams'] =>
  namesOf(prefix, scope.application, scope.group).streams;
const timeout = 120_000;
const pauseMs = 100;

let cluster: NatsCluster;
const engines: OpenEngine[] = [];

beforeAll(async () => {
  cluster = await startNatsCluster();
  for (let i = 0; i < 3; i++) {
    const engine = natsEngine({ servers: cluster.servers, keys });
    engines.push(await engine.open({ ...scope, clock: systemClock }));
  }
});

afterAll(async () => {
  for (const engine of engines) await engine.close();
  await cluster?.stop();
});

/** All engines try the same at the same moment. */
function together<T>(work: (engine: OpenEngine) => Promise<T>): Promise<T[]> {
  return Promise.all(engines.map(work));
}

/** Every one of them races with the others for a key and for an item, and one of them wins each time. */
async function race(name: string): Promise<void> {
  const item = { id: name, partition: name, priority: 1, position: 1 };
  await together(({ store }) => store.create(name, bytes('0')));
  for (let version = 1; version < 4; version++) {
    const { revision = 0 } = (await engines[0]?.store.get(name)) ?? {};
    await together(({ store }) => store.update(name, bytes(String(version)), revision));
  }
  await together(({ queue }) => queue.enqueue(item));
  const claim = { partition: name, limit: 1, leaseMs: 60_000, holder: 'test' };
  const [claimed, ...others] = (await together(({ queue }) => queue.claim(claim))).flat();
  expect(others).toEqual([]);
  expect(await engines[0]?.queue.settle(name, claimed?.token ?? 0)).toBe(true);
}

/** Kills a server and starts it again; resolves when it leads some of the streams, and somebody leads the others. */
async function restartAndLetLead(
  streams: Names['streams'],
  led: readonly (keyof Names['streams'])[],
): Promise<void> {
  const leader = await cluster.leaderOf(streams[led[0] ?? 'log']);
  const node = cluster.nodes.find((other) => other !== leader) ?? leader;
  await node.kill();
  await node.restart();
  for (const stream of Object.values(streams)) await cluster.caughtUp(stream);
  for (const room of led) await letLead(node, streams[room]);
}

async function letLead(node: NatsNode, stream: string): Promise<void> {
  const nats = await connect({ servers: cluster.servers });
  try {
    while ((await cluster.leaderOf(stream)) !== node) {
      await nats.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`).catch(() => {});
      await sleep(pauseMs);
    }
  } finally {
    await nats.close();
  }
}

it('has the last values when it leads, of keys and items that several wrote at once', {
  timeout,
}, async () => {
  const names = Array.from({ length: 40 }, (_, i) => `k${i}`);
  await Promise.all(names.map(race));
  await restartAndLetLead(streamsOf('slackwater'), ['store', 'queue']);
  const fresh = await natsEngine({ servers: cluster.servers, keys }).open({ ...scope, clock: systemClock });
  engines.push(fresh);
  const values = await Promise.all(names.map(async (name) => (await fresh.store.get(name))?.value));
  expect(texts(values.map((value) => value ?? bytes('nothing')))).toEqual(names.map(() => '3'));
  expect(await fresh.queue.backlog()).toEqual([]);
});

it('has the log as it was when it leads, of one that was full for a while', { timeout }, async () => {
  const options = { servers: cluster.servers, keys, prefix: 'small' };
  const engine = natsEngine({ ...options, maxBytes: 1024 * 1024 });
  const full = await engine.open({ ...scope, clock: systemClock });
  engines.push(full);
  // What nothing makes shorter.
  const entry = new Uint8Array(randomBytes(60_000));
  const tries = Array.from({ length: 40 }, () => full.log.append([entry]));
  const kept = (await Promise.allSettled(tries)).filter(({ status }) => status === 'fulfilled');
  expect(kept.length).toBeLessThan(tries.length);
  await restartAndLetLead(streamsOf('small'), ['log']);
  const fresh = await natsEngine(options).open({ ...scope, clock: systemClock });
  engines.push(fresh);
  expect(await fresh.log.size()).toBe(kept.length);
  expect(await full.log.size()).toBe(kept.length);
});

it('has all that did not expire when every server was killed after what did had been removed', {
  timeout,
}, async () => {
  const prefix = 'swept';
  // Half a minute passes in a tenth of a second.
  const hasty: Clock = {
    ...systemClock,
    after: (ms, callback) => systemClock.after(ms >= 10_000 ? ms / 300 : ms, callback),
  };
  const { store } = await opened({ prefix, clock: hasty });
  const names = Array.from({ length: 100 }, (_, i) => `k${100 + i}`);
  const expiresAt = Date.now() + 300;
  for (const name of names) {
    await Promise.all([
      store.put(`stays/${name}`, bytes(name)),
      store.put(`goes/${name}`, bytes(name), { expiresAt }),
    ]);
  }
  const { store: stream } = streamsOf(prefix);
  await expect.poll(() => messagesIn(stream), { timeout: 30_000 }).toBe(names.length);
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  await Promise.all(cluster.nodes.map((node) => node.restart()));
  await cluster.leaderOf(stream);
  await cluster.caughtUp(stream);
  const fresh = await opened({ prefix, clock: systemClock });
  const kept = await fresh.store.list('stays/', { limit: 1_000 });
  expect(kept.map(({ key }) => key)).toEqual(names.map((name) => `stays/${name}`));
});

async function opened({ prefix, clock }: { prefix: string; clock: Clock }): Promise<OpenEngine> {
  const engine = await natsEngine({ servers: cluster.servers, keys, prefix }).open({ ...scope, clock });
  engines.push(engine);
  return engine;
}

async function messagesIn(stream: string): Promise<number> {
  const nats = await connect({ servers: cluster.servers });
  try {
    return (await (await jetstreamManager(nats)).streams.info(stream)).state.messages;
  } finally {
    await nats.close();
  }
}
