import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { keyFilePath } from '../engines/sqlite/key-file.ts';
import { scopesInFile } from '../engines/sqlite/scopes-in-file.ts';
import { sqliteEngine } from '../engines/sqlite/sqlite-engine.ts';
import { UsageError } from './failures.ts';
import type { Place } from './place.ts';

const databaseName = 'slackwater.db';

/** The embedded engine: `path` is its directory, or the database file in it. Throws a {@link UsageError}. */
export function sqlitePlace(path: string): Place {
  const named = directoryOf(resolve(path));
  // One directory under two names is one place.
  const directory = existsSync(named) ? realpathSync(named) : named;
  const file = join(directory, databaseName);
  return {
    shown: `sqlite:${directory}`,
    keyFile: ({ application, group }) => keyFilePath(directory, application, group),
    ledgers: () => scopesInFile(file),
    engine: async () => sqliteEngine({ directory }),
  };
}

function directoryOf(path: string): string {
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  if (!isFile && basename(path) !== databaseName) return path;
  if (basename(path) === databaseName && (isFile || !existsSync(path))) return dirname(path);
  throw new UsageError(`${path} is not ${databaseName}; give the directory that the engine was given`);
}
