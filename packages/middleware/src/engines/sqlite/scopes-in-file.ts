import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { EngineError } from '../engine-error.ts';
import { applicationId } from './schema.ts';

/** To whom some of a file's tables belong. */
export interface ScopeName {
  readonly application: string;
  readonly group: string;
}

/**
 * Whose ledgers a database file has, by name; none where there is no file. Changes nothing. Throws `engine-corrupt` where it
 * is not one of the embedded engine's, and `engine-unavailable` where it can't be read.
 */
export function scopesInFile(file: string): readonly ScopeName[] {
  if (!existsSync(file)) return [];
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    const owner = Number(database.prepare('PRAGMA application_id').get()?.['application_id']);
    if (owner !== applicationId) {
      throw new EngineError('engine-corrupt', 'none', `${file} is no database of Slackwater's`);
    }
    return database
      .prepare('SELECT application, resource_group FROM scope ORDER BY application, resource_group')
      .all()
      .map((row) => ({ application: String(row['application']), group: String(row['resource_group']) }));
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new EngineError('engine-unavailable', 'none', `${file} can't be read (${said})`, { cause: error });
  } finally {
    database?.close();
  }
}
