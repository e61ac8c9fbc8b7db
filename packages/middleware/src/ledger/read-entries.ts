import type { EntryType } from '@slackwater/shared';
import type { LedgerParts } from './parts.ts';

/** An entry where it stands, as its bytes there. */
export interface EntryBytes {
  readonly position: number;
  readonly type: EntryType;
  readonly bytes: Uint8Array;
}

const parallel = 16;

/** The entries at these positions, in their order. */
export async function readEntries(
  { history }: Pick<LedgerParts, 'history'>,
  positions: readonly number[],
): Promise<readonly EntryBytes[]> {
  const found: EntryBytes[] = [];
  for (let i = 0; i < positions.length; i += parallel) {
    const some = positions.slice(i, i + parallel).map(async (position) => {
      const { bytes, entry } = await history.entryAt(position);
      return { position, type: entry.type, bytes };
    });
    found.push(...(await Promise.all(some)));
  }
  return found;
}
