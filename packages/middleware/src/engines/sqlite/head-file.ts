import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError } from '../engine-error.ts';
import type { HeadNote } from '../head-note.ts';
import { scopeFileName } from './key-file.ts';

/** Of a checkpoint with signatures and all. */
const mostBytes = 1024 * 1024;

/** The note of one scope's head, a file of its own: `head-<scope>.txt`, a C2SP checkpoint. */
export function headFile(directory: string, application: string, group: string): HeadNote {
  const place = join(directory, `head-${scopeFileName(application, group)}.txt`);
  return {
    place,
    async read() {
      try {
        return await readText(place);
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    write: (checkpoint) => replaceFile(place, checkpoint),
  };
}

async function readText(path: string): Promise<string> {
  // Not to wait for a writer where somebody put a pipe.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error('it is not a file');
    if (stats.size > mostBytes) throw new Error(`it has ${stats.size} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** A note that takes nothing once it is closed, as an engine does: its directory may be somebody else's by then. */
export function closable(note: HeadNote): HeadNote & { close(): Promise<void> } {
  let closed = false;
  let writing: Promise<void> = Promise.resolve();
  return {
    ...note,
    write(checkpoint) {
      if (closed) return Promise.reject(new EngineError('engine-closed', 'none', 'the engine is closed'));
      const written = note.write(checkpoint);
      writing = Promise.allSettled([writing, written]).then(() => {});
      return written;
    },
    close() {
      closed = true;
      return writing;
    },
  };
}

/** A crash at any instant leaves the old text or the new one, for the new name is given to what is durable. */
async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomUUID()}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    try {
      await handle.writeFile(text, 'utf8');
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}
