import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, isRunning } from './end-process.ts';
import type { Guard } from './guard.ts';
import { configure, type NatsOptions, type NatsPlace } from './nats-settings.ts';
import { natsServer, serverProgram } from './server-program.ts';

/** One nats-server that can be ended, stopped in its tracks, and brought back. */
export interface NatsProcess {
  /** Whether it answers, as far as what was done to it here can tell. */
  readonly awake: boolean;
  /** Processor time of its present life so far, µs, in steps of 10,000; undefined where the system does not tell (only Linux does). */
  processorUs(): number | undefined;
  /** Resolves when it takes connections; rejects with one sentence where it can't. */
  start(options: NatsOptions): Promise<void>;
  kill(): Promise<void>;
  end(): Promise<void>;
  pause(): Promise<void>;
  resume(): void;
}

const startWithinMs = 30_000;
const pollMs = 10;

/** A server that is not started yet. */
export function natsProcess(place: NatsPlace, guard: Guard): NatsProcess {
  const logFile = join(place.directory, `${place.name}.log`);
  let child: ChildProcess | undefined;
  let paused = false;

  async function finish(signal: NodeJS.Signals): Promise<void> {
    if (child !== undefined) await endProcess(child, paused ? 'SIGKILL' : signal);
    child = undefined;
    paused = false;
  }

  return {
    get awake() {
      return child !== undefined && isRunning(child) && !paused;
    },
    processorUs: () => (child === undefined ? undefined : processorUsOf(child)),
    async start(options) {
      const program = await serverProgram(natsServer);
      child = launch(program, configure(place, options), logFile);
      guard.watch(child);
      if (await takesConnections(child, place.port)) return;
      await finish('SIGKILL');
      throw new Error(`NATS can't be started: ${reason(logFile)}`);
    },
    kill: () => finish('SIGKILL'),
    end: () => finish('SIGTERM'),
    async pause() {
      if (child === undefined || !isRunning(child)) return;
      child.kill('SIGSTOP');
      paused = true;
      while (isRunning(child) && !isStopped(child)) await sleep(1);
    },
    resume() {
      child?.kill('SIGCONT');
      paused = false;
    },
  };
}

function launch(program: string, settingsFile: string, logFile: string): ChildProcess {
  writeFileSync(logFile, '');
  const log = openSync(logFile, 'a');
  // Detached: a Ctrl-C is the starting process's affair; the guard ends the server after it.
  const child = spawn(program, ['--config', settingsFile], {
    cwd: dirname(settingsFile),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => {});
  child.unref();
  return child;
}

async function takesConnections(child: ChildProcess, port: number): Promise<boolean> {
  const deadline = Date.now() + startWithinMs;
  while (isRunning(child) && Date.now() < deadline) {
    if (await greets(port)) return isRunning(child);
    await sleep(pollMs);
  }
  return false;
}

/** The server speaks first, and only once its streams have been recovered. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('data', (chunk) => {
      resolve(chunk.toString().startsWith('INFO '));
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => resolve(false));
  });
}

/** Signals are delivered when the system gets round to it; Linux tells when it has. */
function isStopped(child: ChildProcess): boolean {
  try {
    const status = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    return status.slice(status.lastIndexOf(')') + 2).startsWith('T');
  } catch {
    return true;
  }
}

/** `utime` and `stime` of proc(5), whose unit is 10 ms on every Linux that Node runs on. */
function processorUsOf(child: ChildProcess): number | undefined {
  try {
    const status = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return undefined;
  }
}

function reason(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trim().split('\n');
  return (lines.findLast((line) => / \[(FTL|ERR)\] /.test(line)) ?? lines.at(-1)) || 'it gave no reason';
}
