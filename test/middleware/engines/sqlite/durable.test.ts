import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatabaseFile } from '../../../../packages/middleware/src/engines/sqlite/database-file.ts';

it('commits by fsync: what was acknowledged survives a loss of power (B-06)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-durable-'));
  const file = join(directory, 'slackwater.db');
  const keysFile = join(directory, 'slackwater-keys.db');
  const options = {
    directory,
    file,
    keysFile,
    maxBytes: undefined,
    busyTimeoutMs: 2_000,
    expected: undefined,
  };
  const { database } = openDatabaseFile(options);
  try {
    // No process can be killed so that its kernel forgets; SQLite's own word is what there is to ask.
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(database.prepare('PRAGMA keys.synchronous').get()).toEqual({ synchronous: 2 });
    expect(database.prepare('PRAGMA keys.secure_delete').get()).toEqual({ secure_delete: 1 });
  } finally {
    database.close();
    rmSync(directory, { recursive: true });
  }
});
