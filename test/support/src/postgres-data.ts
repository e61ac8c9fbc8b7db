import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { PostgresBinaries } from './postgres-binaries.ts';
import type { RunAs } from './unprivileged-user.ts';

/** The owner's password in a folder of data that is new. It is to be changed before anybody else learns of the server. */
export const firstPassword = 'new';

/** The database in a folder of data that is new: a server makes one of its own slowly. */
export const firstDatabase = 'test';

/** Names a folder for all servers of one run: the first leaves there what it began with, and the others copy that. */
export const sharedDataVariable = 'SLACKWATER_TEST_POSTGRES_DATA';

/** Names another folder for the servers of a process, which begin with the same nevertheless. */
export const dataParentVariable = 'SLACKWATER_TEST_DATA_PARENT';

/** Where a server's folder is to be made. */
export function dataParent(): string {
  return process.env[dataParentVariable] ?? process.env[sharedDataVariable] ?? tmpdir();
}

interface Making {
  /** The server's own. */
  readonly directory: string;
  readonly binaries: PostgresBinaries;
  /** Who owns the databases. */
  readonly user: string;
}

/** Makes the data of a new PostgreSQL. Rejects with one sentence where it can't. */
export async function makeData(dataDirectory: string, making: Making): Promise<void> {
  const shared = process.env[sharedDataVariable];
  // Elsewhere a copy would have other rights than the server wants.
  if (shared === undefined || process.platform === 'win32') return initialise(dataDirectory, making);
  const ready = join(shared, 'ready');
  if (!existsSync(ready)) await makeReady(shared, ready, making);
  await copy(ready, dataDirectory, making.binaries.runAs);
}

/** Several may do that at once: one of them is the first to be ready, and the work of the others is thrown away. */
async function makeReady(shared: string, ready: string, making: Making): Promise<void> {
  const { runAs } = making.binaries;
  const attempt = mkdtempSync(join(shared, 'attempt-'));
  try {
    if (runAs !== undefined) chownSync(attempt, runAs.uid, runAs.gid);
    await initialise(join(attempt, 'data'), making);
    renameSync(join(attempt, 'data'), ready);
  } catch (error) {
    if (!existsSync(ready)) throw error;
  } finally {
    rmSync(attempt, { recursive: true, force: true });
  }
}

async function initialise(dataDirectory: string, { directory, binaries, user }: Making): Promise<void> {
  const { initdb, postgres, runAs } = binaries;
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, `${firstPassword}\n`, { mode: 0o600 });
  if (runAs !== undefined) chownSync(passwordFile, runAs.uid, runAs.gid);
  const args = [
    `--pgdata=${dataDirectory}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    // Most of these servers write a few MB: 16 of them laid out for a start would be most of what is copied.
    '--wal-segsize=1',
  ];
  await run(initdb, args, { runAs, cwd: directory });
  rmSync(passwordFile, { force: true });
  const alone = ['--single', '-D', dataDirectory, '-c', 'fsync=off', 'postgres'];
  await run(postgres, alone, { runAs, cwd: directory, input: `CREATE DATABASE ${firstDatabase}\n` });
}

/** With owner and rights: the server refuses data that others may read. */
function copy(from: string, to: string, runAs: RunAs | undefined): Promise<void> {
  return run('cp', ['-a', from, to], { runAs });
}

async function run(
  program: string,
  args: readonly string[],
  { runAs, cwd, input = '' }: { runAs: RunAs | undefined; cwd?: string; input?: string },
): Promise<void> {
  const child = spawn(program, args, { ...runAs, cwd, stdio: ['pipe', 'ignore', 'pipe'] });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code === 0) return;
  throw new Error(
    `PostgreSQL can't be started: ${basename(program)} ended with ${code}: ${lastLine(errors)}`,
  );
}

/** What a program said last, which as a rule is why it ended. */
export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? 'it gave no reason';
}
