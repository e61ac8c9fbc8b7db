import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A host in a process of its own. */
export interface HostProcess {
  /** Where its interfaces are. */
  readonly internal: string;
  readonly external: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it has closed. */
  stop(): Promise<void>;
}

const program = fileURLToPath(new URL('../host.ts', import.meta.url));

/** Starts a host; resolves when it listens. Rejects with what it complained of. */
export async function startHost(args: readonly string[]): Promise<HostProcess> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A Ctrl-C is the demo's affair; it ends its hosts in order.
    detached: true,
  });
  const ended = once(child, 'close');
  // A host goes with whoever started it.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  void ended.then(() => process.removeListener('exit', kill));
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const said = await Promise.race([once(child.stdout, 'data'), ended.then(() => undefined)]);
  if (said === undefined) throw new Error(`A host did not start: ${complaints}`);
  const { internal, external } = JSON.parse(String(said[0])) as { internal: string; external: string };
  let isAsked = false;
  void ended.then(([code, signal]) => {
    if (!isAsked) process.stderr.write(`A host ended by itself (${code ?? signal}): ${complaints}\n`);
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    isAsked = true;
    child.kill(signal);
    await ended;
  };
  return { internal, external, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}
