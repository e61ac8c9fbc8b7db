import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NatsServer, startNats, startNatsCluster } from '@slackwater/test-support/nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../packages/middleware/src/clock.ts';
import { namesOf } from '../../../packages/middleware/src/engines/nats/names.ts';
import { natsEngine } from '../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { openLedger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { seededRandom } from '../../crash/random.ts';
import { accepted, type Bench, ledgerBench } from '../ledger/ledgers.ts';
import {
  hurriedClock,
  killedAtRandom,
  resultOf,
  type Said,
  slackwaterSays,
  slackwaterSaysBy,
} from './command-line.ts';
import { rowsOf } from './rows.ts';

const user = { user: 'app', password: 'p@ss:word' };
const kills = 3;
const lifeMs = { least: 150, most: 900 } as const;

let server: NatsServer;
let source: Bench;
let back: Bench;
let nats: string;
let prefix = 0;
beforeAll(async () => {
  server = await startNats({ auth: { users: [user] } });
});
afterAll(() => server.stop());
beforeEach(async () => {
  source = await ledgerBench();
  back = await ledgerBench();
  prefix += 1;
  nats = `nats:nats://app:p%40ss%3Aword@${server.servers[0]}?prefix=copy${prefix}`;
});
afterEach(async () => {
  await source.end();
  await back.end();
});

async function fill(count: number): Promise<void> {
  const { ledger, close } = await source.open();
  for (let i = 0; i < 3; i++) await accepted(ledger, { idempotencyKey: `${i}`, requester: `u${i}` });
  const { id } = await accepted(ledger);
  await ledger.step(id, { type: 'performing', token: 3 });
  const outcome = { status: 200, headers: [], body: Buffer.from('done') };
  await ledger.step(id, { type: 'performed', token: 3, outcome });
  await Promise.all(Array.from({ length: count }, () => accepted(ledger)));
  await close();
}

function keyFileOf({ directory }: Bench): string {
  const [name = ''] = readdirSync(directory).filter((one) => one.startsWith('keys-'));
  return join(directory, name);
}

function there(...more: readonly string[]): Promise<Said> {
  return slackwaterSays('copy', '--from', `sqlite:${source.directory}`, '--to', nats, ...more);
}

function andBack(...more: readonly string[]): Promise<Said> {
  const named = ['--application', 'payments', '--group', 'default'];
  return slackwaterSays('copy', '--from', nats, '--to', `sqlite:${back.directory}`, ...named, ...more);
}

describe('slackwater copy to NATS', () => {
  it('and back gives the very same ledger: entries, blocks, values, expiry, keys', async () => {
    await fill(100);
    const keys = join(back.directory, 'given.json');
    const said = await there('--keys', keys);
    expect(said, said.err).toMatchObject({ code: 0 });
    expect(said.err).toContain(`every host is given the keys: they are in ${keys}`);
    expect(readFileSync(keys)).toEqual(readFileSync(keyFileOf(source)));
    expect(statSync(keys).mode & 0o777).toBe(0o600);

    const named = ['--application', 'payments', '--group', 'default', '--keys', keys];
    const verified = await slackwaterSays('verify', '--ledger', nats, ...named, '--json');
    expect(verified, verified.err).toMatchObject({ code: 0 });
    const { root, entries } = resultOf(said);
    expect(JSON.parse(verified.out)).toMatchObject({ ok: true, root, entries, records: { payloads: 104 } });

    const again = await andBack('--keys', keys);
    expect(again, again.err).toMatchObject({ code: 0 });
    expect(resultOf(again)).toEqual(resultOf(said));
    expect(rowsOf(back)).toEqual(rowsOf(source));
    expect(readFileSync(keyFileOf(back))).toEqual(readFileSync(keyFileOf(source)));
    expect(back.verifyBytes(resultOf(said).verifierKey)).toMatchObject({ ok: true });
  });

  it('makes a ledger that hosts go on with, and that can be brought back with what they did', async () => {
    await fill(5);
    expect((await there()).code).toBe(0);
    const keys = readFileSync(keyFileOf(source));
    const owner = { application: 'payments', group: 'default', clock: systemClock };
    const servers = server.servers;
    const engine = await natsEngine({ servers, keys, ...user, prefix: `copy${prefix}` }).open(owner);
    const ledger = await openLedger({ ...owner, engine, engineTimeoutMs: 10_000 });
    expect(await engine.queue.backlog()).toMatchObject([{ items: 8 }]);
    const { position } = await accepted(ledger);
    expect(await ledger.verify()).toMatchObject({ ok: true, size: position + 1 });
    await ledger.close();
    await engine.close();

    const refused = await there();
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('it went on by itself');
    const home = ['--to', `sqlite:${source.directory}`, '--keys', keyFileOf(source)];
    const named = ['--application', 'payments', '--group', 'default'];
    const brought = await slackwaterSays('copy', '--from', nats, ...named, ...home);
    expect(brought, brought.err).toMatchObject({ code: 0 });
    expect(resultOf(brought)).toMatchObject({ entries: position + 1, verified: true });
  });

  it('makes one whose keys are rotated, and whose requesters are erased, by the key file that hosts are given', async () => {
    await fill(1);
    expect((await there()).code).toBe(0);
    const named = ['--application', 'payments', '--group', 'default'];
    const next = (name: string): string => join(back.directory, name);
    const run = (...args: readonly string[]): Promise<Said> =>
      slackwaterSaysBy(hurriedClock(15_000, 15_000), ...args);
    const [given, wrapping, signing] = [keyFileOf(source), next('wrapping.json'), next('signing.json')];
    expect(await run('keys', 'rotate', '--keys', given, '--out', wrapping)).toMatchObject({ code: 0 });
    const at = ['--ledger', nats, ...named, '--keys'];
    const rotated = await run('keys', 'rotate', ...at, wrapping);
    expect(rotated, rotated.err).toMatchObject({ code: 0 });
    expect(JSON.parse(rotated.out)).toEqual({ version: 2, wrapped: 4, dropped: [] });
    expect((await run('keys', 'rotate', ...at, wrapping, '--drop-old')).err).toContain(
      'give --keys and --out',
    );

    expect((await run('keys', 'rotate', ...at, wrapping, '--signing')).err).toContain(
      'has no signing key behind',
    );
    await run('keys', 'rotate', '--keys', wrapping, '--out', signing, '--signing');
    const signed = await run('keys', 'rotate', ...at, signing, '--signing');
    expect(signed, signed.err).toMatchObject({ code: 0 });
    expect(JSON.parse(signed.out)).toMatchObject({ signingKey: 1 });

    const erased = await slackwaterSaysBy(
      hurriedClock(200, 60_000),
      ...['erase', ...at, signing, '--requester', 'u1', '--purpose', 'request 4711'],
    );
    expect(erased, erased.err).toMatchObject({ code: 0 });
    expect(JSON.parse(erased.out)).toMatchObject({ status: 'erased' });
    const verified = await run('verify', ...at, signing, '--json');
    expect(JSON.parse(verified.out)).toMatchObject({ ok: true, records: { erased: 1 } });
  });

  it('goes on after kill -9 at any instant, there and back', { timeout: 120_000 }, async () => {
    await fill(1_500);
    const random = seededRandom();
    const named = ['--application', 'payments', '--group', 'default'];
    const ways = [
      ['--from', `sqlite:${source.directory}`, '--to', nats],
      ['--from', nats, '--to', `sqlite:${back.directory}`, '--keys', keyFileOf(source), ...named],
    ];
    for (const way of ways) await killedAtRandom(['copy', ...way], { kills, lifeMs, random });
    expect(rowsOf(back)).toEqual(rowsOf(source));
  });

  it('refuses to guess keys and names, and keys of another ledger', async () => {
    await fill(0);
    expect((await there()).code).toBe(0);
    const without = await andBack();
    expect(without.code).toBe(2);
    expect(without.err).toContain(
      `--keys is missing; nats:nats://${server.servers[0]}?prefix=copy${prefix} keeps no keys`,
    );
    const unnamed = await slackwaterSays('copy', '--from', nats, '--to', `sqlite:${back.directory}`);
    expect(unnamed.code).toBe(2);
    expect(unnamed.err).toContain('--application is missing');
    const other = join(back.directory, 'other.json');
    await slackwaterSays('keys', '--application', 'payments', '--out', other);
    const wrong = await andBack('--keys', other);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain("the source's ledger was written with other keys than these");
    expect(existsSync(join(back.directory, 'slackwater.db'))).toBe(true);
    writeFileSync(other, 'no keys');
    const unreadable = await andBack('--keys', other);
    expect(unreadable.code).toBe(1);
    expect(unreadable.err).toContain('key-file-unreadable');
    const missing = await andBack('--keys', join(back.directory, 'missing.json'));
    expect(missing.code).toBe(2);
  });

  it.each([
    ['nats:app:secret%@h:1', 'write a percent sign', 2],
    ['nats:app:secret@', 'give host:port', 2],
    ['nats:h:1?password=secret', 'nats:...?password: there is no such setting', 2],
    ['nats:h:1?replicas=three', 'nats:...?replicas=three: give a whole number', 2],
    ['nats:h:1?tls=yes', 'nats:...?tls=yes: give true or false', 2],
    ['nats:h:1?credentials=/no/file', 'give the path of a file that can be read', 2],
    ['nats:a:secret@h:1,b:secret@h:2', 'give user and password once', 2],
    ['nats:a:secret@127.0.0.1:1', 'engine-unavailable', 1],
  ])('says what is wrong with %s and shows no secret', async (url, sentence, code) => {
    await fill(0);
    const said = await slackwaterSays('copy', '--from', `sqlite:${source.directory}`, '--to', url);
    expect(said.err).toContain(sentence);
    expect(said.code).toBe(code);
    expect(said.err).not.toContain('secret');
  });
});

describe('slackwater copy onto three servers', () => {
  it('has all three keep it, so that it is whole and goes on without any one of them', {
    timeout: 120_000,
  }, async () => {
    const cluster = await startNatsCluster();
    try {
      await fill(100);
      const url = `nats:${cluster.servers.join(',')}`;
      const said = await slackwaterSays('copy', '--from', `sqlite:${source.directory}`, '--to', url);
      expect(said, said.err).toMatchObject({ code: 0 });
      expect(resultOf(said).verified).toBe(true);

      const { streams } = namesOf('slackwater', 'payments', 'default');
      for (const stream of Object.values(streams)) await cluster.caughtUp(stream);
      const leader = await cluster.leaderOf(streams.log);
      await cluster.nodes.find((node) => node !== leader)?.kill();
      // It may have led others of them.
      for (const stream of Object.values(streams)) await cluster.leaderOf(stream);
      const keys = readFileSync(keyFileOf(source));
      const owner = { application: 'payments', group: 'default', clock: systemClock };
      const engine = await natsEngine({ servers: cluster.servers, keys }).open(owner);
      const ledger = await openLedger({ ...owner, engine, engineTimeoutMs: 60_000 });
      const report = await ledger.verify();
      expect(report).toMatchObject({ ok: true, size: resultOf(said).entries });
      expect((await accepted(ledger)).position).toBe(resultOf(said).entries);
      await ledger.close();
      await engine.close();
    } finally {
      await cluster.stop();
    }
  });
});
