import { existsSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, expect, it } from 'vitest';
import { type NatsServer, startNats } from './src/nats.ts';

const started: NatsServer[] = [];

async function start(...args: Parameters<typeof startNats>): Promise<NatsServer> {
  const server = await startNats(...args);
  started.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function publishOne({ servers }: NatsServer): Promise<void> {
  const connection = await connect({ servers });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'orders', subjects: ['orders.>'] });
  await jetstream(connection).publish('orders.1', 'kept');
  await connection.close();
}

async function messagesOf({ servers }: NatsServer): Promise<number> {
  const connection = await connect({ servers });
  const { state } = await (await jetstreamManager(connection)).streams.info('orders');
  await connection.close();
  return state.messages;
}

it('keeps an acknowledged message through a SIGKILL and a restart on the same port', async () => {
  const server = await start();
  await publishOne(server);
  await server.kill();
  await expect(connect({ servers: server.servers, reconnect: false })).rejects.toThrow();
  await server.restart();
  expect(await messagesOf(server)).toBe(1);
});

it('answers nobody while it is paused, and everybody again after', async () => {
  const server = await start();
  const connection = await connect({ servers: server.servers });
  await server.pause();
  const answer = connection.flush().then(() => 'answered');
  const soon = new Promise((resolve) => setTimeout(resolve, 200, 'nothing'));
  expect(await Promise.race([answer, soon])).toBe('nothing');
  server.resume();
  expect(await answer).toBe('answered');
  await connection.close();
});

it('leaves no folder and no server behind', async () => {
  const server = await start();
  await publishOne(server);
  expect(existsSync(server.storeDirectory)).toBe(true);
  await server.stop();
  await server.stop();
  expect(existsSync(server.storeDirectory)).toBe(false);
  await expect(connect({ servers: server.servers, reconnect: false })).rejects.toThrow();
});

it("says in one sentence what it can't start with", async () => {
  await expect(startNats({ settings: 'no_such_setting: 1' })).rejects.toThrow(
    /^NATS can't be started: .*no_such_setting/,
  );
});

it('takes no message that is larger, and keeps no more, than it was told', async () => {
  const { servers } = await start({ maxPayloadBytes: 2_048, maxFileStoreBytes: 4_096 });
  const connection = await connect({ servers });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'orders', subjects: ['orders.>'] });
  const stream = jetstream(connection);
  expect(connection.info?.max_payload).toBe(2_048);
  await stream.publish('orders.1', new Uint8Array(1_024));
  const fill = async (): Promise<void> => {
    for (let message = 0; message < 4; message++) await stream.publish('orders.1', new Uint8Array(1_024));
  };
  await expect(fill()).rejects.toThrow(/insufficient resources|resource limits/);
  await connection.close();
});

it('can do without JetStream', async () => {
  const { servers } = await start({ jetStream: false });
  const connection = await connect({ servers });
  expect(connection.info?.jetstream).toBeFalsy();
  await connection.close();
});
