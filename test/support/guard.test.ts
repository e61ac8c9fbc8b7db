import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connect } from '@nats-io/transport-node';
import { afterEach, expect, it } from 'vitest';

const host = fileURLToPath(new URL('children/host.ts', import.meta.url));

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

/** What a process of its own says about the servers that it has started. */
async function hostOf(...what: string[]): Promise<{ servers: string[]; directories: string[] }> {
  child = spawn(process.execPath, [host, ...what], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('The process has no output.');
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return JSON.parse(said.toString()) as { servers: string[]; directories: string[] };
}

async function isUp(server: string): Promise<boolean> {
  try {
    await (await connect({ servers: server, reconnect: false, timeout: 500 })).close();
    return true;
  } catch {
    return false;
  }
}

it.each(['running', 'paused'])('ends %s servers whose process was killed', async (state) => {
  const { servers, directories } = await hostOf('--stay', state);
  expect(directories.every(existsSync)).toBe(true);
  child?.kill('SIGKILL');
  await expect.poll(() => directories.some(existsSync), { timeout: 30_000 }).toBe(false);
  for (const server of servers) expect(await isUp(server)).toBe(false);
});

it('keeps no process alive that has nothing else to do', async () => {
  const { directories } = await hostOf('running');
  if (child?.exitCode === null) await once(child, 'exit');
  expect(child?.exitCode).toBe(0);
  await expect.poll(() => directories.some(existsSync), { timeout: 30_000 }).toBe(false);
});
