import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type NatsCluster, startNatsCluster } from './src/nats.ts';

let cluster: NatsCluster;
let connection: NatsConnection;
beforeAll(async () => {
  cluster = await startNatsCluster();
  connection = await connect({ servers: cluster.servers, maxReconnectAttempts: -1 });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'orders', subjects: ['orders.>'], num_replicas: 3 });
});
afterAll(async () => {
  await connection?.close();
  await cluster?.stop();
});

/** Publishes until a message is acknowledged, or until the connection is closed for good. */
async function publish(id: string): Promise<void> {
  const stream = jetstream(connection, { timeout: 500 });
  while (!connection.isClosed()) {
    const sent = stream.publish('orders.1', id, { msgID: id });
    if (await sent.then(isAcknowledged, isRefused)) return;
    await sleep(20);
  }
}

/** What the stream has, or why nobody says. */
async function messages(): Promise<unknown> {
  try {
    const manager = await jetstreamManager(connection);
    return (await manager.streams.info('orders')).state.messages;
  } catch (error) {
    return error;
  }
}

const isAcknowledged = (): boolean => true;
const isRefused = (): boolean => false;

// As long as elections may take, on a machine that is busy.
const timeout = 120_000;

it('keeps every acknowledged message while a follower, and then the leader, is killed', {
  timeout,
}, async () => {
  await publish('all');
  const leader = await cluster.leaderOf('orders');
  const follower = cluster.nodes.find((node) => node !== leader);
  await follower?.kill();
  await publish('without a follower');
  await follower?.restart();
  await cluster.caughtUp('orders');
  await leader.kill();
  await publish('without the leader');

  expect(await cluster.leaderOf('orders')).not.toBe(leader);
  await expect.poll(messages, { timeout }).toBe(3);
});
