import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, isRunning } from './end-process.ts';
import { freePort } from './free-port.ts';
import { type Guard, startGuard } from './guard.ts';
import { mariadbServer, serverProgram } from './server-program.ts';
import { type RunAs, unprivilegedUser } from './unprivileged-user.ts';

/** A MariaDB of the caller's own. */
export interface MariadbServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly dataDirectory: string;
  /** Ends the server and removes its folder. May be called twice. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. The data stay. */
  kill(): Promise<void>;
  /** Ends the server if it runs, and starts it again on the same port and data; resolves when it takes connections. */
  restart(): Promise<void>;
}

/** What one server is told at each start. */
interface Place {
  readonly program: string;
  readonly directory: string;
  readonly port: number;
  readonly runAs: RunAs | undefined;
}

const host = '127.0.0.1';
const user = 'slackwater';
const database = 'test';
const startWithinMs = 30_000;
const pollMs = 10;

/**
 * Starts a MariaDB with a folder, a port, a socket and a password of its own, every commit flushed to disk. Works as root,
 * who lends it to another user, and as an ordinary user. It ends with the process that started it, however that one
 * ends, and does not keep it alive. Rejects with one sentence where it can't be started.
 */
export async function startMariadb(): Promise<MariadbServer> {
  const program = await serverProgram(mariadbServer);
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-mariadb-'));
  const guard = startGuard(directory);
  const remove = (): void => {
    guard.dismiss();
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    const runAs = unprivilegedUser('MariaDB', ['mysql', 'nobody']);
    const password = randomBytes(12).toString('hex');
    mkdirSync(join(directory, 'data'));
    if (runAs !== undefined) {
      for (const folder of [directory, join(directory, 'data')]) chownSync(folder, runAs.uid, runAs.gid);
    }
    const place: Place = { program, directory, port: await freePort(), runAs };
    await initialise(place, password);
    return await serve(place, password, guard, remove);
  } catch (error) {
    remove();
    throw error;
  }
}

async function serve(
  place: Place,
  password: string,
  guard: Guard,
  remove: () => void,
): Promise<MariadbServer> {
  let server = await launch(place, guard);
  let stopped = false;
  return {
    ...{ host, port: place.port, user, password, database },
    dataDirectory: join(place.directory, 'data'),
    async stop() {
      if (stopped) return;
      stopped = true;
      // Nothing of it is to be kept: no orderly end.
      await endProcess(server, 'SIGKILL');
      remove();
    },
    kill: () => endProcess(server, 'SIGKILL'),
    async restart() {
      await endProcess(server, 'SIGTERM');
      server = await launch(place, guard);
    },
  };
}

/** What `mariadb-install-db` feeds to the server, without the programs that script wants besides. */
async function initialise(place: Place, password: string): Promise<void> {
  const scripts = scriptsOf(place.program);
  const read = (name: string): string => readFileSync(join(scripts, name), 'utf8');
  const sql = [
    // One statement to a line, which is all that a server without clients can tell apart.
    'CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n',
    read('mysql_system_tables.sql'),
    read('mysql_system_tables_data.sql'),
    'FLUSH PRIVILEGES;\n',
    `CREATE DATABASE ${database};\n`,
    `CREATE USER ${user}@'${host}' IDENTIFIED BY '${password}';\n`,
    `GRANT ALL ON *.* TO ${user}@'${host}' WITH GRANT OPTION;\n`,
    `DELETE FROM global_priv WHERE User = 'root';\n`,
  ].join('');
  const child = spawn(
    place.program,
    [...settings(place), '--bootstrap', '--silent-startup', '--log-warnings=0', '--enforce-storage-engine='],
    { ...place.runAs, cwd: place.directory, stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stdin.on('error', () => {});
  child.stdin.end(sql);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`MariaDB can't be started: bootstrap ended with ${code}: ${reason(said)}`);
}

/** The folder of the scripts that make the system's tables, as distributions place it beside the program. */
function scriptsOf(program: string): string {
  const roots = [dirname(dirname(program)), '/usr', '/usr/local', '/opt/homebrew'];
  const folders = roots.flatMap((root) => [join(root, 'share/mysql'), join(root, 'share/mariadb')]);
  const found = folders.find((folder) => existsSync(join(folder, 'mysql_system_tables.sql')));
  if (found === undefined) {
    throw new Error(`MariaDB can't be started: mysql_system_tables.sql is in none of ${folders.join(', ')}.`);
  }
  return found;
}

function settings({ directory, port }: Place): string[] {
  return [
    '--no-defaults',
    `--datadir=${join(directory, 'data')}`,
    // A server that starts removes what it finds of temporary tables: not those of another one.
    `--tmpdir=${directory}`,
    `--socket=${join(directory, 'socket')}`,
    `--pid-file=${join(directory, 'pid')}`,
    `--bind-address=${host}`,
    `--port=${port}`,
    '--skip-name-resolve',
    '--innodb-flush-log-at-trx-commit=1',
    '--innodb-buffer-pool-size=16M',
    '--innodb-log-file-size=8M',
    '--performance-schema=OFF',
  ];
}

async function launch(place: Place, guard: Guard): Promise<ChildProcess> {
  const logFile = join(place.directory, 'mariadb.log');
  const log = openSync(logFile, 'w');
  // Detached: a Ctrl-C is the starting process's affair; the guard ends the server after it.
  const child = spawn(place.program, settings(place), {
    ...place.runAs,
    cwd: place.directory,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => {});
  child.unref();
  guard.watch(child);
  const deadline = Date.now() + startWithinMs;
  while (isRunning(child) && Date.now() < deadline) {
    if (await greets(place.port)) return child;
    await sleep(pollMs);
  }
  await endProcess(child, 'SIGKILL');
  throw new Error(`MariaDB can't be started: ${reason(readFileSync(logFile, 'utf8'))}`);
}

/** The server speaks first, and only once it has recovered. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => resolve(false));
  });
}

function reason(said: string): string {
  const lines = said.trim().split('\n');
  return (lines.find((line) => /\bERROR[:\]]/.test(line)) ?? lines.at(-1)) || 'it gave no reason';
}
