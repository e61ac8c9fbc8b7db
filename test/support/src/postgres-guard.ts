/**
 * Runs beside a test server as a process of its own: when the process that started the server ends, in
 * whatever way, this one's standard input closes, and it ends the server and removes its folder. A handler in
 * the starting process could not: it does not survive `kill -9`.
 *
 * Argument: the server's folder, which holds `data/postmaster.pid` while the server runs.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const directory = process.argv[2] ?? '';
let dismissed = false;

process.stdin.on('data', () => {
  dismissed = true;
});
process.stdin.on('error', end);
process.stdin.on('end', end);

function end(): void {
  if (dismissed || directory === '') process.exit(0);
  void endServer();
}

async function endServer(): Promise<void> {
  const pid = postmasterPid();
  if (pid !== undefined) {
    signal(pid, 'SIGQUIT');
    for (let waitedMs = 0; waitedMs < 5_000 && signal(pid, 0); waitedMs += 50) await sleep(50);
    signal(pid, 'SIGKILL');
  }
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  process.exit(0);
}

function postmasterPid(): number | undefined {
  try {
    const pid = Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
