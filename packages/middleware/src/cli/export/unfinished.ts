import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CommandFailed, UsageError } from '../failures.ts';

// What an export has not finished has a name that says so, and the next one into the same place throws it away and begins anew:
//
//   lines   FILE.unfinished, which becomes FILE when all of it is on the disk
//   tiles   DIRECTORY/.unfinished, an empty file that is made first and removed last, behind the checkpoint
//
// Two at once into one place: the later one wins, and the other fails before it would call anything finished.

const marker = '.unfinished';
const linkless: ReadonlySet<string> = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/** A place that something is being exported to. */
export interface Unfinished {
  /** The file; of a directory the mark in it. */
  readonly file: FileHandle;
  /** Rejects with a {@link CommandFailed} where another export has taken the place over. */
  stillOwn(): Promise<void>;
  /** Everything is on the disk. Rejects likewise, and where a file is there by now. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** Begins a file that is not there yet. Rejects with what the file system says, `EEXIST` where it is. */
export async function beginFile(target: string): Promise<Unfinished> {
  if ((await stat(target).catch(() => undefined)) !== undefined) {
    throw Object.assign(new Error(`EEXIST: ${target} is there already`), { code: 'EEXIST' });
  }
  const path = `${target}${marker}`;
  const begun = await begin(path);
  return {
    ...begun,
    async finish() {
      await begun.file.sync();
      await begun.stillOwn();
      await give(path, target);
    },
  };
}

/**
 * Begins a directory: one that is empty, not there, or holds an export that was not finished, which is deleted. Rejects with a
 * `UsageError` for one with anything else in it.
 */
export async function beginDirectory(directory: string, written: readonly string[]): Promise<Unfinished> {
  await mkdir(directory, { recursive: true });
  const there = await readdir(directory);
  const isOurs = there.includes(marker) && there.every((name) => name === marker || written.includes(name));
  if (there.length > 0 && !isOurs) throw new UsageError(`--tiles ${directory}: give an empty directory`);
  const begun = await begin(join(directory, marker));
  for (const name of there) if (name !== marker) await rm(join(directory, name), { recursive: true });
  return {
    ...begun,
    async finish() {
      await begun.stillOwn();
      await unlink(join(directory, marker));
    },
  };
}

/** Unlike a renaming a link fails where somebody has put a file there meanwhile; some file systems have none. */
async function give(path: string, target: string): Promise<void> {
  try {
    await link(path, target);
  } catch (error) {
    if (!linkless.has(String(Object(error).code))) throw error;
    return rename(path, target);
  }
  await unlink(path);
}

async function begin(path: string): Promise<Omit<Unfinished, 'finish'>> {
  await rm(path, { force: true });
  const file = await open(path, 'wx');
  return {
    file,
    async stillOwn() {
      const [own, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
      if (own.ino === there?.ino && own.dev === there.dev) return;
      throw new CommandFailed(`another export has begun ${basename(path)} anew; only that one goes on`);
    },
    close: () => file.close(),
  };
}
