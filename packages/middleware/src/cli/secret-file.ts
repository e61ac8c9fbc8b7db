import { readFile } from 'node:fs/promises';
import { keyFileBytes } from '../engines/sqlite/key-file.ts';
import { CommandFailed, UsageError } from './failures.ts';

const mostBytes = 1024 * 1024;

/**
 * Writes keys to a file that nobody else may read (mode 0600), whole or not at all, durably. What is there already stays:
 * rejects with a {@link CommandFailed} where that is anything but these very bytes, for keys that are overwritten are lost.
 */
export async function writeSecret(path: string, bytes: Uint8Array): Promise<void> {
  const kept = await keyFileBytes(path, () => bytes);
  if (Buffer.compare(kept, bytes) !== 0) {
    throw new CommandFailed(`${path} is there already, and keys are never overwritten; name another file`);
  }
}

/** The bytes of a key file that somebody named. Rejects with a {@link UsageError} where there is none. */
export async function readSecret(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((error: unknown) => {
    const said = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path} can't be read (${said}); name the ledger's key file`);
  });
  if (bytes.byteLength === 0 || bytes.byteLength > mostBytes) {
    throw new UsageError(
      `${path} has ${bytes.byteLength} bytes and is no key file; name the ledger's key file`,
    );
  }
  return bytes;
}
