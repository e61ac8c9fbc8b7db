import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { indexVersion } from './schema.ts';

/**
 * The name of a ledger's index: readable, different for each application and group however their names are spelt, and for each
 * version, so that hosts of two versions do not throw away each other's.
 */
export function indexPath(directory: string, application: string, group: string): string {
  const readable = `${application}-${group}`.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 60);
  const digest = createHash('sha256')
    .update(JSON.stringify([application, group]))
    .digest('hex');
  return join(directory, `index-v${indexVersion}-${readable}-${digest.slice(0, 12)}.db`);
}
