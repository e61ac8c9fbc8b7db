import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Addresses } from '../world/world.ts';

/** The agency in a process of its own. */
export interface HostProcess {
  readonly address: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it has closed. */
  stop(): Promise<void>;
}

const program = fileURLToPath(new URL('../host.ts', import.meta.url));

/** Starts one; resolves when it listens. Rejects with what it complained of. */
export async function startHost(
  addresses: Addresses,
  directory: string,
  leaseMs: number,
): Promise<HostProcess> {
  const args = [
    ...['--world', JSON.stringify(addresses), '--ledger', directory],
    ...['--lease-ms', String(leaseMs)],
  ];
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A Ctrl-C is the demo's affair; it ends its hosts in order.
    detached: true,
  });
  const ended = once(child, 'close');
  // It goes with whoever started it.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  void ended.then(() => process.removeListener('exit', kill));
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const said = await Promise.race([once(child.stdout, 'data'), ended.then(() => undefined)]);
  if (said === undefined) throw new Error(`The agency did not start: ${complaints}`);
  const { address } = JSON.parse(String(said[0])) as { readonly address: string };
  let isAsked = false;
  void ended.then(([code, signal]) => {
    if (!isAsked) process.stderr.write(`The agency ended by itself (${code ?? signal}): ${complaints}\n`);
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    isAsked = true;
    child.kill(signal);
    await ended;
  };
  return { address, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}
