import type { Acceptance } from './deferral.ts';
import { LedgerError } from './ledger-error.ts';

const mostPartitionCharacters = 1_024;

/**
 * What the queue would refuse must be refused before the entry: after it, nothing can be taken back. Throws
 * `parameter-invalid`.
 */
export function checkQueueable({ partition, priority, belongsTo }: Acceptance): void {
  if (partition.length === 0 || partition.length > mostPartitionCharacters) {
    throw new LedgerError(
      'parameter-invalid',
      `A partition's name has 1 to ${mostPartitionCharacters} characters.`,
    );
  }
  if (!Number.isSafeInteger(priority) || priority < (belongsTo?.always === true ? 0 : 1)) {
    throw new LedgerError('parameter-invalid', `The priority ${priority} is not an integer from 1 on.`);
  }
}
