import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const listensWithinMs = 60_000;

/** A server in a process of its own, which may be killed and stopped. */
export interface ServerProcess {
  /** Resolves with what it says when it listens; undefined where it ended before. */
  readonly listening: Promise<{ readonly address: string; readonly verifierKey: string } | undefined>;
  /** What it wrote to standard error. */
  readonly complaints: () => string;
  /** Resolves when it has ended, however it did. */
  readonly gone: Promise<unknown>;
  /** Whether it ended by itself. */
  readonly ended: () => boolean;
  /** Whether it is stopped, by whomever. */
  isStopped(): boolean;
  /** SIGSTOP: connections stay open and nobody answers. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts a program that prints one line of JSON, its address and verifier key, once it listens. */
export function startServer(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): ServerProcess {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    // It may end with its standard input, so that nothing stays where this process is killed.
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const gone = once(child, 'close');
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  return {
    listening: firstLine(child, gone),
    gone,
    complaints: () => complaints,
    ended: () => child.exitCode !== null,
    isStopped: () => /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function firstLine(
  child: ChildProcess,
  gone: Promise<unknown>,
): Promise<{ address: string; verifierKey: string } | undefined> {
  let text = '';
  const line = new Promise<string>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(text);
    });
  });
  const late = AbortSignal.timeout(listensWithinMs);
  const timedOut = once(late, 'abort');
  const said = await Promise.race([line, gone, timedOut]);
  return typeof said === 'string'
    ? (JSON.parse(said) as { address: string; verifierKey: string })
    : undefined;
}
