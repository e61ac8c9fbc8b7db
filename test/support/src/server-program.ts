import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A server that no npm package brings. */
export interface ServerProgram {
  /** What the sentence calls it. */
  readonly name: string;
  readonly program: string;
  /** Debian's package that has it. */
  readonly debianPackage: string;
  /** Where to get it on other systems. */
  readonly elsewhere: string;
}

/** What the tests need beyond npm's packages. */
export const natsServer: ServerProgram = {
  name: 'NATS',
  program: 'nats-server',
  debianPackage: 'nats-server',
  elsewhere: 'https://nats.io/download',
};

/** The server alone: the package `mariadb-server` would start one as a service of the system. */
export const mariadbServer: ServerProgram = {
  name: 'MariaDB',
  program: 'mariadbd',
  debianPackage: 'mariadb-server-core',
  elsewhere: 'https://mariadb.org/download',
};

/** What the client SDK is driven in. */
export const chromium: ServerProgram = {
  name: 'Chromium',
  program: 'chromium',
  debianPackage: 'chromium',
  elsewhere: 'https://www.chromium.org/getting-involved/download-chromium',
};

const here = dirname(fileURLToPath(import.meta.url));

/**
 * The path of a server's program. Where it is missing and this process may install it (root, apt-get), it is
 * installed; of several processes one installs and the others wait for it. Else rejects with one sentence that
 * says what to install.
 */
export async function serverProgram(server: ServerProgram): Promise<string> {
  const found = find(server.program);
  if (found !== undefined) return found;
  const trouble = await install(server);
  const installed = find(server.program);
  if (installed !== undefined) return installed;
  throw new Error(
    `${server.name} can't be started: there is no ${server.program} on the PATH${trouble}; ` +
      `install it (Debian, Ubuntu: apt-get install ${server.debianPackage}; elsewhere: ${server.elsewhere}).`,
  );
}

/** An ordinary user's PATH often lacks the folder where Debian puts servers. */
function find(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Returns why it did not work, as a part of a sentence, or nothing. */
async function install({ program, debianPackage }: ServerProgram): Promise<string> {
  if (process.getuid?.() !== 0 || find('apt-get') === undefined || find('flock') === undefined) return '';
  process.stderr.write(`Installing ${debianPackage} with apt-get: tests need ${program}.\n`);
  const get = `apt-get install -y --no-install-recommends ${debianPackage}`;
  // The lock on this folder is the system's: it ends with its holder, and leaves no file behind.
  const apt = spawn('flock', [here, 'sh', '-c', `${get} || { apt-get update && ${get}; }`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A server for tests need not run as a service as well.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', SYSTEMD_OFFLINE: '1' },
  });
  let said = '';
  apt.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => {
    apt.once('error', () => resolve(null));
    apt.once('close', resolve);
  });
  if (code === 0) return '';
  const reason = said.trim().split('\n').at(-1) || 'it gave no reason';
  return `, and apt-get could not install ${debianPackage} (${reason})`;
}
