import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@slackwater/test-support/free-port';
import { type ServerProgram, serverProgram } from '@slackwater/test-support/server-program';
import { scratchFolder } from '../scratch.ts';

const redisServer: ServerProgram = {
  name: 'Redis',
  program: 'redis-server',
  debianPackage: 'redis-server',
  elsewhere: 'https://redis.io/docs/latest/operate/oss_and_stack/install',
};

const startWithinMs = 30_000;

/** A Redis of the benchmark's own. */
export interface Redis {
  readonly port: number;
  readonly version: string;
  stop(): Promise<void>;
}

/**
 * Starts a Redis on loopback that syncs its append-only file before it answers. Rejects with one sentence where it can't be started: it
 * says where to get it.
 */
export async function startRedis(): Promise<Redis> {
  const program = await serverProgram(redisServer);
  const port = await freePort();
  const child = spawn(program, settings(port, scratchFolder()), { stdio: 'ignore' });
  const gone = once(child, 'exit');
  process.once('exit', () => child.kill('SIGKILL'));
  const deadline = performance.now() + startWithinMs;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`Redis can't be started: ${program} ended, or takes no connections on port ${port}.`);
    await sleep(10);
  }
  return {
    port,
    version: / v=(\S+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown',
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function settings(port: number, directory: string): readonly string[] {
  const given = {
    bind: '127.0.0.1',
    port,
    dir: directory,
    appendonly: 'yes',
    appendfsync: 'always',
    // What BullMQ asks for.
    'maxmemory-policy': 'noeviction',
    // The append-only file is what is kept; snapshots would be written beside it.
    save: '',
  };
  return Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (said) => {
      resolve(said.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
  });
}
