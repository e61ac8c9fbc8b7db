import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KeyFileError } from '../key-file-error.ts';

const mostBytes = 1024 * 1024;

/** Windows has no such modes; there the directory's access list must serve. */
const hasModes = process.platform !== 'win32';

/**
 * The name of a scope's key file: readable, and different for each scope however their names are spelt or
 * their file system folds them.
 */
export function keyFilePath(directory: string, application: string, group: string): string {
  return join(directory, `keys-${scopeFileName(application, group)}.json`);
}

/** The part of a file's name that tells to which scope it belongs. */
export function scopeFileName(application: string, group: string): string {
  const readable = `${application}-${group}`.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 60);
  const digest = createHash('sha256')
    .update(JSON.stringify([application, group]))
    .digest('hex');
  return `${readable}-${digest.slice(0, 12)}`;
}

/**
 * The bytes of the key file. Where there is none, it is made from what `create` gives: written whole under
 * another name, synced, and only then given its own, so that nobody ever reads a part of it and the first of
 * several processes wins. Rejects with `KeyFileError`.
 */
export async function keyFileBytes(path: string, create: () => Uint8Array): Promise<Uint8Array> {
  try {
    const present = await readKeyFile(path);
    // Whoever made it may have crashed before its name was durable.
    if (present === undefined) await makeKeyFile(path, create());
    await syncName(path);
    const bytes = present ?? (await readKeyFile(path));
    if (bytes === undefined) throw new KeyFileError(`${path}: the key file vanished while it was made`);
    return bytes;
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    const said = error instanceof Error ? error.message : String(error);
    const wayOut = `${path}: the key file cannot be read or made; let this process's user own it and its directory`;
    throw new KeyFileError(`${wayOut} (${said})`, { cause: error });
  }
}

/**
 * Puts other bytes in the place of a key file, whole and durably: whoever reads it meanwhile gets the old ones or the new
 * ones. Rejects with `KeyFileError`.
 */
export async function replaceKeyFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeSynced(temporary, bytes);
    // A crash before this line: the old keys are there. After it: the new ones.
    await rename(temporary, path);
    await syncName(path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    const said = error instanceof Error ? error.message : String(error);
    const wayOut = `${path}: the key file cannot be replaced; let this process's user own it and its directory`;
    throw new KeyFileError(`${wayOut} (${said})`, { cause: error });
  }
}

async function readKeyFile(path: string): Promise<Uint8Array | undefined> {
  let handle: FileHandle;
  try {
    // Not to wait for a writer where somebody put a pipe.
    handle = await open(path, constants.O_RDONLY | (hasModes ? constants.O_NONBLOCK : 0));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { mode, size, isFile } = await describe(handle);
    if (!isFile) throw new KeyFileError(`${path}: not a file; move it away, or put the key file there`);
    if (hasModes && (mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8);
      throw new KeyFileError(`${path}: others may read the keys (mode ${shown}); run: chmod 600 '${path}'`);
    }
    if (size === 0 || size > mostBytes) {
      throw new KeyFileError(`${path}: a key file of ${size} bytes; put back the one from your backup`);
    }
    return new Uint8Array(await handle.readFile());
  } finally {
    await handle.close();
  }
}

async function describe(handle: FileHandle): Promise<{ mode: number; size: number; isFile: boolean }> {
  const stats = await handle.stat();
  return { mode: stats.mode, size: stats.size, isFile: stats.isFile() };
}

async function makeKeyFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeSynced(temporary, bytes);
  try {
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      // Another process was first; its keys are the keys.
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await unlink(temporary);
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncName(path: string): Promise<void> {
  if (!hasModes) return;
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
