/**
 * Runs beside test servers as a process of its own: when the process that started the servers ends, in
 * whatever way, this one's standard input closes, and it ends the servers and removes their folder. A handler
 * in the starting process could not: it does not survive `kill -9`.
 *
 * Argument: the folder. Standard input: lines of `watch <pid> <signal>`, `forget <pid>` and `dismiss`.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const endWithinMs = 5_000;
const pollMs = 50;

const directory = process.argv[2] ?? '';
const watched = new Map<number, string>();

const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => {
  const [order, pid, signal = 'SIGKILL'] = line.split(' ');
  if (order === 'dismiss' || directory === '') process.exit(0);
  if (order === 'watch') watched.set(Number(pid), signal);
  if (order === 'forget') watched.delete(Number(pid));
});
process.stdin.on('error', () => orders.close());
orders.on('close', () => void endServers());

async function endServers(): Promise<void> {
  await Promise.all([...watched].map(([pid, signal]) => end(pid, signal)));
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  process.exit(0);
}

async function end(pid: number, signal: string): Promise<void> {
  send(pid, signal);
  if (signal === 'SIGKILL') return;
  for (let waitedMs = 0; waitedMs < endWithinMs && send(pid, 0); waitedMs += pollMs) await sleep(pollMs);
  send(pid, 'SIGKILL');
}

/** Whether there was a process to send it to. */
function send(pid: number, signal: string | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
