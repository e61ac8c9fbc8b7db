import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A ledger as it lies on disk. */
export interface StoredLedger {
  readonly entries: readonly Uint8Array[];
  readonly blocks: readonly string[];
}

/**
 * Reads a ledger's bytes with SQLite alone, as an auditor would who has nothing but the files and
 * docs/engines.md. It reads a copy, made in `scratch`, so that nothing of the original is touched.
 */
export function readStoredLedger(directory: string, scratch: string, application: string): StoredLedger {
  cpSync(directory, scratch, { recursive: true });
  return readLedgerBeside(scratch, application);
}

/** The same of a ledger that processes have open. */
export function readLedgerBeside(directory: string, application: string): StoredLedger {
  const database = new DatabaseSync(join(directory, 'slackwater.db'), { readOnly: true, timeout: 30_000 });
  try {
    const scope = database.prepare('SELECT id FROM scope WHERE application = ?').get(application);
    const number = Number(scope?.['id']);
    const entries = database
      .prepare(`SELECT position, entry FROM log_${number} ORDER BY position`)
      .all()
      .map(({ position, entry }, at) => {
        if (position !== at) throw new Error(`Position ${at} is missing in the log.`);
        return bytes(entry);
      });
    const blocks = database
      .prepare(`SELECT value FROM store_${number} WHERE key LIKE 'blocks/%' ORDER BY key`)
      .all()
      .map(({ value }) => Buffer.from(bytes(value)).toString('utf8'));
    return { entries, blocks };
  } finally {
    database.close();
  }
}

function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Error('A blob was expected.');
  return value;
}
