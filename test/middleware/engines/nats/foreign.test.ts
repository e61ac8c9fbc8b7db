import { type JetStreamManager, jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { namesOf } from '../../../../packages/middleware/src/engines/nats/names.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { openLedger } from '../../../../packages/middleware/src/ledger/open-ledger.ts';
import { bytes, scope, texts } from '../../../contracts/engine-under-test.ts';
import { accepted } from '../../ledger/ledgers.ts';
import { deleteStreams } from './place.ts';

const prefix = 'shared';
const names = namesOf(prefix, scope.application, scope.group);
const keys = createKeyFile(scope);
const undo: (() => Promise<unknown>)[] = [];
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
  for (const step of undo.splice(0).reverse()) await step();
  await deleteStreams(server.servers, prefix);
});

afterAll(async () => {
  await nats.close();
  await server.stop();
});

async function open(given = keys): Promise<OpenEngine> {
  const engine = await natsEngine({ servers: server.servers, prefix, keys: given }).open({
    ...scope,
    clock: systemClock,
    onTrouble: (_doing, error) => troubles.push(String(error)),
  });
  undo.push(() => engine.close());
  return engine;
}

const make = (config: object): Promise<unknown> => manager.streams.add(config as StreamConfig);

describe('streams of the names that the NATS engine would give its own', () => {
  it('are refused where they are somebody else’s, and stay as they are', async () => {
    await make({ name: names.streams.log, subjects: ['theirs'], description: 'theirs' });
    await expect(open()).rejects.toMatchObject({
      code: 'engine-corrupt',
      fate: 'none',
      message: expect.stringMatching(/SHARED|shared.*_LOG can't be used: it is described as "theirs"/),
    });
    expect((await manager.streams.info(names.streams.log)).config.subjects).toEqual(['theirs']);
  });

  it.each([
    { stream: 'log' as const, setting: 'deny_purge', change: { deny_purge: false } },
    { stream: 'store' as const, setting: 'max_msgs_per_subject', change: { max_msgs_per_subject: 5 } },
    { stream: 'queue' as const, setting: 'max_age', change: { max_age: 3_600_000_000_000 } },
    { stream: 'queue' as const, setting: 'discard', change: { discard: 'old' } },
  ])(
    'are refused where $setting of the $stream lets it forget, naming the setting',
    async ({ stream, setting, change }) => {
      const engine = await open();
      await engine.close();
      const { config } = await manager.streams.info(names.streams[stream]);
      await manager.streams.delete(config.name);
      await make({ ...config, ...change });
      await expect(open()).rejects.toMatchObject({
        code: 'engine-corrupt',
        message: expect.stringMatching(new RegExp(`its ${setting} is .* and must be .*Nothing was changed`)),
      });
    },
  );

  it('are refused where another number of servers keeps them than was asked for', async () => {
    await (await open()).close();
    const engine = natsEngine({ servers: server.servers, prefix, keys, replicas: 3 });
    await expect(engine.open({ ...scope, clock: systemClock })).rejects.toMatchObject({
      message: expect.stringContaining('1 servers keep it and the option "replicas" says 3'),
    });
  });

  it('are one application’s: another of the same name has other keys and is refused at start', async () => {
    const first = await openLedger({ ...scope, engine: await open(), clock: systemClock });
    undo.push(() => first.close());
    await accepted(first);
    const others = await open(createKeyFile(scope));
    await expect(openLedger({ ...scope, engine: others, clock: systemClock })).rejects.toMatchObject({
      code: 'ledger-keys-differ',
    });
  });
});

describe('messages that Slackwater did not write', () => {
  it('in the log are left out by every host alike, and told of', async () => {
    const engine = await open();
    await engine.log.append([bytes('a'), bytes('b')]);
    await manager.jetstream().publish(names.logSubject, 'not ours');
    const other = await open();
    expect(await engine.log.append([bytes('c')])).toEqual({ first: 2 });
    expect(await other.log.append([bytes('d')])).toEqual({ first: 3 });
    for (const { log } of [engine, other, await open()]) {
      expect(await log.size()).toBe(4);
      expect(texts(await log.read(0, 10))).toEqual(['a', 'b', 'c', 'd']);
    }
    const told = troubles.filter((one) => one.includes('was not written by Slackwater'));
    expect(told[0]).toContain(`Message 2 of the stream ${names.streams.log}`);
    expect(told[0]).toContain(names.logSubject);
  });

  it.each([
    { what: 'without a count', headers: {}, body: 'x' },
    {
      what: 'with a count and too little behind it',
      headers: { 'Slackwater-Entries': '3' },
      body: '\0\0\0\x01a',
    },
    {
      what: 'with lengths that lead beyond its end',
      headers: { 'Slackwater-Entries': '1' },
      body: '\xff\xff\xff\xffa',
    },
    {
      what: 'with something behind the last entry',
      headers: { 'Slackwater-Entries': '1' },
      body: '\0\0\0\x01abc',
    },
  ])('in the log $what hold no entries', async ({ headers, body }) => {
    const engine = await open();
    const { headers: makeHeaders } = await import('@nats-io/transport-node');
    const sent = makeHeaders();
    for (const [name, value] of Object.entries(headers)) sent.set(name, value);
    await manager.jetstream().publish(names.logSubject, Buffer.from(body, 'latin1'), { headers: sent });
    expect(await engine.log.append([bytes('a')])).toEqual({ first: 0 });
    expect(await engine.log.size()).toBe(1);
  });

  it('in the queue are left out and told of', async () => {
    const engine = await open();
    await manager.jetstream().publish(names.queueSubject('x'), 'not ours');
    await engine.queue.enqueue({ id: 'y', partition: 'p', priority: 1, position: 0 });
    expect(await engine.queue.backlog()).toMatchObject([{ partition: 'p', items: 1 }]);
    expect(troubles.join()).toContain(
      `a message on ${names.queueSubject('x')} that Slackwater did not write`,
    );
  });
});
