import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chownSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { endProcess, isRunning } from './end-process.ts';
import { freePort } from './free-port.ts';
import { type Guard, startGuard } from './guard.ts';
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts';
import { dataParent, firstDatabase, firstPassword, lastLine, makeData } from './postgres-data.ts';
import { stallCommits } from './slow-commits.ts';

export { type ManualClock, manualClock } from './manual-clock.ts';
export { type SlowCommits, slowCommits } from './slow-commits.ts';

/** What `startPostgres` may be told. */
export interface PostgresOptions {
  /** A database to create; default `test`. */
  readonly database?: string;
  /** Further lines of postgresql.conf, e.g. `{ max_connections: 20 }`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

/** A PostgreSQL of the caller's own. */
export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly connectionString: string;
  readonly dataDirectory: string;
  /** Ends the server and removes its folder. May be called twice. */
  stop(): Promise<void>;
  /** Stalls every commit that writes, or lets them through again; resolves when it is so. */
  stallCommits(on: boolean): Promise<void>;
  /** SIGKILL to the server's main process; resolves when it is gone. The data stay. */
  kill(): Promise<void>;
  /**
   * Ends the server if it runs, and starts it again on the same port and data. `immediate`: as `pg_ctl -m immediate` does, without
   * a word to anybody, so that it begins with a recovery. Default `fast`.
   */
  restart(mode?: 'fast' | 'immediate'): Promise<void>;
}

const host = '127.0.0.1';
const user = 'slackwater';
const startWithinMs = 30_000;
const leaveWithinMs = 500;

/**
 * Starts a PostgreSQL 18 with a folder, a port and a password of its own, fsync on. Works as root and as an
 * ordinary user. It ends with the process that started it, however that one ends, and does not keep it alive.
 * Rejects with one sentence where it can't be started.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const directory = mkdtempSync(join(dataParent(), 'slackwater-postgres-'));
  const guard = startGuard(directory);
  try {
    return await startIn(directory, guard, options);
  } catch (error) {
    guard.dismiss();
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(directory: string, guard: Guard, options: PostgresOptions): Promise<PostgresServer> {
  const binaries = await findPostgres(directory);
  const { runAs } = binaries;
  if (runAs !== undefined) chownSync(directory, runAs.uid, runAs.gid);
  const dataDirectory = join(directory, 'data');
  const password = randomBytes(12).toString('hex');
  await makeData(dataDirectory, { directory, binaries, user });
  const port = await freePort();
  configure(dataDirectory, port, options.settings ?? {});

  let server = await launch(directory, binaries, guard);
  const database = options.database ?? 'test';
  const address = { host, port, user, password };
  await prepare(address, database);

  let stopped = false;
  return {
    ...address,
    database,
    connectionString: `postgres://${user}:${password}@${host}:${port}/${database}`,
    dataDirectory,
    async stop() {
      if (stopped) return;
      stopped = true;
      // A pool that has ended may still be taking leave of its last connections: the server lets them.
      const leave = setTimeout(() => server.kill('SIGINT'), leaveWithinMs);
      await endProcess(server, 'SIGTERM');
      clearTimeout(leave);
      guard.dismiss();
      rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
    stallCommits: (on) => stallCommits({ ...address, database }, on),
    kill: () => endProcess(server, 'SIGKILL'),
    async restart(mode = 'fast') {
      await endProcess(server, mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      server = await launch(directory, binaries, guard);
    },
  };
}

function configure(dataDirectory: string, port: number, settings: Readonly<Record<string, unknown>>): void {
  const lines = Object.entries({
    listen_addresses: host,
    port,
    unix_socket_directories: '',
    max_connections: 100,
    fsync: 'on',
    shared_buffers: '32MB',
    logging_collector: 'off',
    ...settings,
  }).map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`);
  appendFileSync(join(dataDirectory, 'postgresql.conf'), lines.join(''));
}

async function launch(
  directory: string,
  { postgres, runAs }: PostgresBinaries,
  guard: Guard,
): Promise<ChildProcess> {
  const dataDirectory = join(directory, 'data');
  const logFile = join(directory, 'postgres.log');
  const deadline = Date.now() + startWithinMs;
  for (;;) {
    writeFileSync(logFile, '');
    const log = openSync(logFile, 'a');
    // Detached: a Ctrl-C is the starting process's affair; the guard ends the server after it.
    const child = spawn(postgres, ['-D', dataDirectory], {
      ...runAs,
      cwd: directory,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.on('error', () => {});
    child.unref();
    // Killed outright, the server would leave its shared memory behind.
    guard.watch(child, 'SIGQUIT');
    if (await becomesReady(child, dataDirectory, deadline)) return child;
    const said = readFileSync(logFile, 'utf8');
    // After a SIGKILL the old backends need a moment to notice and let go of the shared memory.
    if (Date.now() > deadline || !/shared memory|lock file/.test(said)) {
      await endProcess(child, 'SIGKILL');
      throw new Error(`PostgreSQL can't be started: ${lastLine(said)}`);
    }
    await sleep(50);
  }
}

/** The eighth line of postmaster.pid is the server's own word on whether it takes connections. */
async function becomesReady(child: ChildProcess, dataDirectory: string, deadline: number): Promise<boolean> {
  while (isRunning(child) && Date.now() < deadline) {
    const lines = readIfThere(join(dataDirectory, 'postmaster.pid')).split('\n');
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return true;
    await sleep(10);
  }
  return false;
}

/** Gives the server a password of its own, and its database the name it is to have. */
async function prepare(
  address: { host: string; port: number; user: string; password: string },
  database: string,
): Promise<void> {
  const client = new pg.Client({ ...address, database: 'postgres', password: firstPassword });
  await client.connect();
  try {
    await client.query(`ALTER ROLE ${user} PASSWORD ${client.escapeLiteral(address.password)}`);
    if (database === firstDatabase) return;
    await client.query(`ALTER DATABASE ${firstDatabase} RENAME TO ${client.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
