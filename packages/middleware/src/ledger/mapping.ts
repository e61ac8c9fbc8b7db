import { payloadKey } from './history.ts';
import { LedgerError } from './ledger-error.ts';
import type { LedgerParts } from './parts.ts';
import { matchesDigest } from './payload-digest.ts';
import { openPayload, splitPayload } from './payload-record.ts';
import { isUlid } from './ulid.ts';

// The mapping between the two records of a request. The first record, an entry of the log, names the deferral and has the digest of the
// second; the second, a value of the key-value store, is under a key that the deferral's id makes, and each of its parts opens
// only under that id. So from either the other is found, and what is found is known to belong to it.

/** The two records of one request, and whether they still agree. */
export interface RecordMapping {
  readonly id: string;
  readonly first: {
    /** Where the entry stands in the log. */
    readonly position: number;
    /** The digest of the second record that is in the entry, base64. */
    readonly digest: string;
  };
  readonly second: {
    /** Its key in the store. */
    readonly key: string;
    /**
     * `missing` is right for what was settled long enough ago (`keepOutcomeMs`), and a fault before that; `erased`: its requester's
     * key was destroyed, so that nobody can read it.
     */
    readonly state: 'intact' | 'altered' | 'missing' | 'erased';
    /** Its size, and how many parameters are sealed in it; absent where it is missing, or can't be taken apart. */
    readonly bytes?: number;
    readonly parameters?: number;
  };
}

const keyPattern = /^payload\/([0-9A-Z]{26})$/;

/** The deferral's id in the key of a second record; undefined for what is no such key. */
export function idOfRecord(key: string): string | undefined {
  const id = keyPattern.exec(key)?.[1];
  return id !== undefined && isUlid(id) ? id : undefined;
}

/** The mapping of the first record at a position. Rejects with `not-found` where no `accepted` entry stands. */
export async function mappingAt(
  { history, store, dataKeys }: Pick<LedgerParts, 'history' | 'store' | 'dataKeys'>,
  position: number,
): Promise<RecordMapping> {
  const { entry } = await history.entryAt(position);
  if (entry.type !== 'accepted' || entry.payload === undefined) {
    throw new LedgerError('not-found', `No first record stands at position ${position}.`);
  }
  const { id, payload: digest, requester } = entry;
  const key = payloadKey(id);
  const stored = await store.get(key);
  const second = stored === undefined ? ({ state: 'missing' } as const) : await describe(stored.value);
  return { id, first: { position, digest }, second: { key, ...second } };

  async function describe(record: Uint8Array): Promise<Omit<RecordMapping['second'], 'key'>> {
    const bytes = record.byteLength;
    try {
      const payload = splitPayload(id, record);
      const parameters = payload.parameters.length;
      if (payload.pseudonym !== requester) return { state: 'altered', bytes, parameters };
      const { facts, request } = openPayload(await dataKeys.need(requester), payload);
      return { state: matchesDigest(digest, facts, request) ? 'intact' : 'altered', bytes, parameters };
    } catch (error) {
      if (error instanceof LedgerError && error.code === 'requester-erased')
        return { state: 'erased', bytes };
      const isFault = error instanceof LedgerError && error.code === 'record-corrupt';
      // What was put together from parts that are not those of its frame.
      if (isFault || error instanceof SyntaxError || error instanceof TypeError)
        return { state: 'altered', bytes };
      throw error;
    }
  }
}
