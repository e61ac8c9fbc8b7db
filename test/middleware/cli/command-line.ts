import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { runCommand } from '../../../packages/middleware/src/cli/run-command.ts';
import { type Clock, systemClock } from '../../../packages/middleware/src/clock.ts';
import type { Random } from '../../crash/random.ts';

/** What a command line came to. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process. */
export function slackwaterSays(...args: readonly string[]): Promise<Said> {
  return slackwaterSaysBy(systemClock, ...args);
}

/** Runs a command line in this process, by a clock of its own. */
export async function slackwaterSaysBy(clock: Clock, ...args: readonly string[]): Promise<Said> {
  let out = '';
  let err = '';
  const code = await runCommand(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    clock,
  });
  return { code, out, err };
}

/** The system's clock, but that each wait of just `waitMs` is over at once, and so much later as `passesMs` says. */
export function hurriedClock(waitMs: number, passesMs: number): Clock {
  let ahead = 0;
  return {
    now: () => systemClock.now() + ahead,
    wallNow: () => systemClock.wallNow(),
    after(ms, work) {
      if (ms !== waitMs) return systemClock.after(ms, work);
      ahead += passesMs;
      return systemClock.after(1, work);
    },
  };
}

/** The one line of JSON that a copy ends with. */
export interface CopyResult {
  readonly entries: number;
  readonly blocks: number;
  readonly root: string;
  readonly values: number;
  readonly verified: boolean;
  readonly origin: string;
  readonly verifierKey: string;
  readonly application: string;
  readonly group: string;
}

/** Copies between two directories; anything but success is an error. */
export async function copied(from: string, to: string, ...more: readonly string[]): Promise<CopyResult> {
  const said = await slackwaterSays('copy', '--from', `sqlite:${from}`, '--to', `sqlite:${to}`, ...more);
  if (said.code !== 0) throw new Error(said.err);
  return resultOf(said);
}

/** What a copy said; more than one line is an error. */
export function resultOf({ out }: Said): CopyResult {
  return JSON.parse(out) as CopyResult;
}

/** A command line in a process of its own. */
export interface Running {
  readonly process: ChildProcess;
  /** What it has written to standard error so far. */
  err(): string;
  /** When it has ended; the code is null where it was killed. */
  ended(): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

/** The program, as it was built. */
export const mainFile: string = fileURLToPath(
  new URL('../../../packages/middleware/dist/cli/main.js', import.meta.url),
);

/** Starts a command line in a process of its own, with pipes for terminals. */
export function start(...args: readonly string[]): Running {
  const child = spawn(process.execPath, [mainFile, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  const closed = once(child, 'close');
  return {
    process: child,
    err: () => err,
    async ended() {
      const [code] = (await closed) as [number | null];
      return { code, out, err };
    },
  };
}

/** How often a command is killed, and how long it lives each time. */
export interface Deaths {
  readonly kills: number;
  readonly lifeMs: { readonly least: number; readonly most: number };
  readonly random: Random;
  /** Looks at what each death left. */
  readonly look?: () => Promise<void>;
}

/**
 * Starts a command again and again, kills it at some instant each time, and lets the last one end; gives what that one said. That
 * it was killed at least once is made sure of.
 */
export async function killedAtRandom(
  args: readonly string[],
  { kills, lifeMs, random, look = async () => {} }: Deaths,
): Promise<{ readonly out: string; readonly err: string }> {
  let died = 0;
  for (let i = 0; i < kills; i++) {
    const running = start(...args);
    // The first is not to have ended by itself, however quick the machine.
    const most = i === 0 ? (lifeMs.least + lifeMs.most) / 2 : lifeMs.most;
    const lifeSpan = random.between(lifeMs.least, most);
    const timer = setTimeout(() => running.process.kill('SIGKILL'), lifeSpan);
    const { code, err } = await running.ended();
    clearTimeout(timer);
    expect([null, 0], err).toContain(code);
    if (code === 0) break;
    died += 1;
    await look();
  }
  expect(died, `SLACKWATER_CRASH_SEED=${random.seed}`).toBeGreaterThan(0);
  const { code, out, err } = await start(...args).ended();
  expect(code, err).toBe(0);
  return { out, err };
}
