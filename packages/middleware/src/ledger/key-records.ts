import type { EngineStore } from '../engines/store.ts';
import { LedgerError } from './ledger-error.ts';

// What an Idempotency-Key stands for: the store's value at key/<HMAC of requester, method, path and key>, JSON
// { "id": the deferral's, "payload": HMAC of the payload's identity }. It expires; that of a run of an operation does not, once that is begun, and is
// deleted with what is kept of the run.

/** What an Idempotency-Key stands for. */
export interface KeyRecord {
  readonly id: string;
  /** `Lookup.payload` of the request. */
  readonly payload: string;
}

/** The Idempotency-Keys in a store, by `Lookup.idempotencyKey`. */
export interface KeyRecords {
  /** Makes the record, or gives the one that is there. */
  claim(
    tag: string,
    record: KeyRecord,
    expiresAt: number,
  ): Promise<{ readonly mine: boolean; readonly record: KeyRecord }>;
  find(tag: string): Promise<KeyRecord | undefined>;
  /** From now on the record does not expire. */
  keep(tag: string, record: KeyRecord): Promise<void>;
  /** Deletes the record. */
  forget(tag: string): Promise<void>;
}

/** The records in a store. */
export function openKeyRecords(store: EngineStore): KeyRecords {
  async function find(tag: string): Promise<KeyRecord | undefined> {
    const stored = await store.get(`key/${tag}`);
    return stored && parse(stored.value);
  }

  return {
    find,
    async keep(tag, record) {
      await store.put(`key/${tag}`, encode(record));
    },
    async forget(tag) {
      await store.delete(`key/${tag}`);
    },
    async claim(tag, record, expiresAt) {
      const value = encode(record);
      // Twice, because the record that was in the way may expire before it is read.
      for (let i = 0; i < 2; i++) {
        if ((await store.create(`key/${tag}`, value, { expiresAt })) !== undefined)
          return { mine: true, record };
        const known = await find(tag);
        if (known !== undefined) return { mine: false, record: known };
      }
      throw new LedgerError(
        'record-corrupt',
        'The record of an Idempotency-Key can be neither made nor read.',
      );
    },
  };
}

function encode({ id, payload }: KeyRecord): Uint8Array {
  return Buffer.from(JSON.stringify({ id, payload }), 'utf8');
}

function parse(value: Uint8Array): KeyRecord {
  try {
    const { id, payload } = JSON.parse(Buffer.from(value).toString('utf8')) as Partial<KeyRecord>;
    if (typeof id === 'string' && typeof payload === 'string') return { id, payload };
  } catch {
    // said below
  }
  throw new LedgerError('record-corrupt', 'The record of an Idempotency-Key is not readable.');
}
