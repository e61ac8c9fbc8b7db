import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKeyFile, slackwater } from '@slackwater/middleware';
import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineSpec, engineOf } from './children/engine-of.ts';

const program = fileURLToPath(new URL('children/operation-host.ts', import.meta.url));
const keys = Buffer.from(createKeyFile({ application: 'travel', group: 'main' })).toString('utf8');
let directory: string;
let nats: NatsServer;
let postgres: PostgresServer;
const children: ChildProcess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-killed-'));
  [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
});

afterAll(async () => {
  await Promise.all(children.map(kill));
  await Promise.all([nats.stop(), postgres.stop()]);
  await rm(directory, { recursive: true, force: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/**
 * Starts a host and waits until it has said a word. Resolves with all that it said by then, each once: on a busy machine its lease may be over for a
 * moment, and what it had begun it begins again.
 */
async function host(
  engine: EngineSpec,
  until: string,
  environment: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ENGINE: JSON.stringify(engine), ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let said = '';
  for await (const chunk of child.stdout ?? []) {
    said += String(chunk);
    const words = said.split('\n').slice(0, -1);
    if (words.includes(until)) {
      await kill(child);
      return [...new Set(words)];
    }
  }
  throw new Error(`the host ended, and said ${JSON.stringify(said)}`);
}

describe.concurrent('an operation whose process is killed', () => {
  it('goes on forward, then backward, from what the ledger has, each in another process (T-54)', async () => {
    const engine: EngineSpec = { engine: 'sqlite', directory };
    expect(await host(engine, 'hotel', { START: '1', HANG: 'hotel' })).toEqual(['flight', 'hotel']);
    // Forward: what is known to be done is not done again; what nobody heard the end of is.
    expect(await host(engine, 'undo hotel', { HANG: 'undo hotel' })).toEqual(['hotel', 'tour', 'undo hotel']);
    expect(await host(engine, 'settled', {})).toEqual(['undo hotel', 'undo flight', 'settled']);
    await verify(engine);
  });

  it.each<[string, () => EngineSpec]>([
    ['NATS', () => ({ engine: 'nats', servers: nats.servers, prefix: 'killed', keys })],
    [
      'PostgreSQL',
      () => ({ engine: 'postgres', connectionString: postgres.connectionString, schema: 'killed', keys }),
    ],
  ])('goes on in another process where its ledger is in %s', async (_, spec) => {
    const engine = spec();
    expect(await host(engine, 'hotel', { START: '1', HANG: 'hotel' })).toEqual(['flight', 'hotel']);
    const words = ['hotel', 'tour', 'undo hotel', 'undo flight', 'settled'];
    expect(await host(engine, 'settled', {})).toEqual(words);
    await verify(engine);
  });
});

async function verify(engine: EngineSpec): Promise<void> {
  const gate = slackwater({
    application: 'travel',
    engine: engineOf(JSON.stringify(engine)),
    ledger: { engineTimeoutMs: 30_000 },
  });
  expect(await gate.audit.verify()).toMatchObject({ ok: true, lives: { accepted: 0 } });
  // Operations are none of the deferrals that auditors list.
  expect(await gate.audit.deferrals()).toMatchObject({ deferrals: [] });
  await gate.close();
}
