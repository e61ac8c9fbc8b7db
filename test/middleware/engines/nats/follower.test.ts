import type { StreamConfig } from '@nats-io/jetstream';
import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { type NetworkProxy, startProxy } from '@slackwater/test-support/proxy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { type Api, openApi } from '../../../../packages/middleware/src/engines/nats/api.ts';
import { type Connection, connect } from '../../../../packages/middleware/src/engines/nats/connection.ts';
import type { NatsContext } from '../../../../packages/middleware/src/engines/nats/context.ts';
import { type Follower, follow } from '../../../../packages/middleware/src/engines/nats/follower.ts';
import { namesOf } from '../../../../packages/middleware/src/engines/nats/names.ts';

const stream = 'followed';
let server: NatsServer;
let proxy: NetworkProxy;
let connection: Connection;
let api: Api;
let follower: Follower;
let seen: number[];

beforeEach(async () => {
  server = await startNats();
  proxy = await startProxy(server.servers[0] ?? '');
  connection = await connect({ servers: proxy.address, keys: '{}' }, () => {});
  api = await openApi(connection, systemClock, undefined);
  await api.manager.streams.add({ name: stream, subjects: ['f.>'], max_msgs_per_subject: 1 } as StreamConfig);
  seen = [];
});

afterEach(async () => {
  follower.stop();
  await connection.close();
  await proxy.stop();
  await server.stop();
});

function start(from = 1, subject?: string, removable = false): void {
  const context: NatsContext = {
    connection,
    api,
    names: namesOf('x', 'a', 'b'),
    clock: systemClock,
    onTrouble: () => {},
  };
  follower = follow(context, {
    stream,
    from,
    removable,
    ...(subject !== undefined && { subject }),
    onMessage: ({ seq }) => seen.push(seq),
  });
}

const publish = async (subject: string): Promise<number> =>
  (await api.publish(subject, new Uint8Array(), { stream })) ?? 0;

describe('a follower', () => {
  it('sees each message once, in order, those that were there and those that come', async () => {
    for (const name of ['a', 'b', 'c']) await publish(`f.${name}`);
    start();
    await follower.reached(3);
    await Promise.all(Array.from({ length: 100 }, (_, n) => publish(`f.n${n}`)));
    await follower.reached(103);
    expect(seen).toEqual(Array.from({ length: 103 }, (_, n) => n + 1));
    expect(follower).toMatchObject({ seen: 103, behind: 0 });
  });

  it('begins where it is told, and sees only its subject', async () => {
    for (const name of ['a', 'b', 'c', 'b.d', 'b.e']) await publish(`f.${name}`);
    start(2, 'f.b.>');
    await follower.reached(5);
    expect(seen).toEqual([4, 5]);
  });

  it('goes on behind what it saw when the connection was lost, or the server with its consumer', async () => {
    await publish('f.a');
    start();
    await follower.reached(1);
    proxy.drop();
    await expect.poll(() => publish('f.b').catch(() => 0), { timeout: 30_000 }).toBe(2);
    await follower.reached(2);
    await server.kill();
    await server.restart();
    await expect.poll(() => publish('f.c').catch(() => 0), { timeout: 30_000 }).toBe(3);
    await follower.reached(3);
    expect(seen).toEqual([1, 2, 3]);
  });

  it('does not wait for a message that has been removed', async () => {
    for (const name of ['a', 'b', 'c']) await publish(`f.${name}`);
    await api.remove(stream, 'f.c');
    start(1, undefined, true);
    expect(await api.newest(stream)).toBe(3);
    await follower.reached(3);
    expect(seen).toEqual([1, 2]);
    await publish('f.d');
    await follower.reached(4);
    expect(seen).toEqual([1, 2, 4]);
  });

  it('waits for a message that the leader does not have yet, and does not pass it over', async () => {
    for (const name of ['a', 'b']) await publish(`f.${name}`);
    start(1, undefined, true);
    await follower.reached(2);
    const waiting = follower.reached(3);
    // Longer than it takes until a follower doubts that its consumer is still there.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(follower.seen).toBe(2);
    await publish('f.c');
    await waiting;
    expect(seen).toEqual([1, 2, 3]);
  });

  it('lets go of those who wait when it is stopped', async () => {
    start();
    const waiting = follower.reached(7);
    follower.stop();
    await expect(waiting).rejects.toMatchObject({ code: 'engine-closed' });
    await expect(follower.reached(8)).rejects.toMatchObject({ code: 'engine-closed' });
  });
});
