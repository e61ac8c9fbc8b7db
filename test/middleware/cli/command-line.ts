import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../../packages/middleware/src/cli/run-command.ts';
import { systemClock } from '../../../packages/middleware/src/clock.ts';

/** What a command line came to. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process. */
export async function slackwaterSays(...args: readonly string[]): Promise<Said> {
  let out = '';
  let err = '';
  const code = await runCommand(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    clock: systemClock,
  });
  return { code, out, err };
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

/** The program. */
export const mainFile: string = fileURLToPath(
  new URL('../../../packages/middleware/src/cli/main.ts', import.meta.url),
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
