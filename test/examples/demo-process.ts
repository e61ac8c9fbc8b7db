import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataParentVariable, sharedDataVariable } from '../support/src/postgres-data.ts';

/** A demo in a process of its own, without a terminal. */
export interface DemoProcess {
  readonly child: ChildProcess;
  /** What Ctrl-C in a terminal does: SIGINT to the demo, and to all that it started and did not set apart. */
  interrupt(): void;
  /** What it has written so far. */
  readonly output: () => string;
  readonly complaints: () => string;
  /** Resolves when it has written that. */
  says(text: string): Promise<void>;
  readonly ended: Promise<number | null>;
}

/** A folder for what a demo makes, so that what it leaves behind can be seen. */
export function makeDemoFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'slackwater-demo-test-'));
  // Where this is root, PostgreSQL runs as somebody else and has to get in.
  chmodSync(folder, 0o755);
  return folder;
}

/** How a demo is started. */
export interface DemoSetup {
  /** What Node is told besides. */
  readonly options?: readonly string[];
  /** Begins with a copy of the database that other tests begin with, which is quicker than one of its own. Default false. */
  readonly sharesData?: boolean;
}

/** Starts a demo whose temporary files are in `folder`. */
export function startDemo(
  program: string,
  folder: string,
  args: readonly string[],
  { options = [], sharesData = false }: DemoSetup = {},
): DemoProcess {
  const env = {
    ...process.env,
    TMPDIR: folder,
    [dataParentVariable]: folder,
    ...(sharesData ? {} : { [sharedDataVariable]: undefined }),
  };
  const child = spawn(process.execPath, [...options, program, ...args], { env, detached: true });
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    interrupt: () => void process.kill(-Number(child.pid), 'SIGINT'),
    output: () => output,
    complaints: () => complaints,
    ended,
    async says(text) {
      while (!output.includes(text)) {
        const next = await Promise.race([once(child.stdout, 'data'), ended.then(() => 'ended' as const)]);
        if (next === 'ended') throw new Error(`It ended without saying ${text}: ${complaints}`);
      }
    },
  };
}
