import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { type NatsCluster, type NatsNode, startNatsCluster } from '@slackwater/test-support/nats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { namesOf } from '../../../../packages/middleware/src/engines/nats/names.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { bytes, scope, texts } from '../../../contracts/engine-under-test.ts';

const keys = createKeyFile(scope);
const { streams } = namesOf('slackwater', scope.application, scope.group);
const timeout = 60_000;
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
  const leader = await cluster.leaderOf(streams.store);
  const node = cluster.nodes.find((other) => other !== leader) ?? leader;
  await node.kill();
  await node.restart();
  for (const stream of [streams.store, streams.queue]) {
    await cluster.caughtUp(stream);
    await letLead(node, stream);
  }
  const fresh = await natsEngine({ servers: cluster.servers, keys }).open({ ...scope, clock: systemClock });
  engines.push(fresh);
  const values = await Promise.all(names.map(async (name) => (await fresh.store.get(name))?.value));
  expect(texts(values.map((value) => value ?? bytes('nothing')))).toEqual(names.map(() => '3'));
  expect(await fresh.queue.backlog()).toEqual([]);
});
