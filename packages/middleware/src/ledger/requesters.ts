import type { Clock } from '../clock.ts';
import { EngineError } from '../engines/engine-error.ts';
import type { EngineStore } from '../engines/store.ts';
import { BoundedMap } from './bounded-map.ts';
import type { DataKeys } from './data-keys.ts';
import { LedgerError } from './ledger-error.ts';
import type { Lookup } from './lookup.ts';
import { randomPiece } from './random-bytes.ts';
import { serialByKey } from './serial.ts';

// A requester: the store's value at requester/<HMAC of the name>, JSON { "name": base64 of the sealed name,
// "pseudonym": text }. Entries hold the pseudonym, which is random and thus says nothing once this record is gone. While
// the requester is being erased (erasures.ts) the record has "erasing": true as well, and nothing is accepted for it.
//
// By crash point, for one who comes for the first time:
//   key      created   crash after: a key that nobody uses, under a pseudonym that nobody knows
//   record   created   crash after: a requester without deferrals

const cached = 10_000;
const pseudonymBytes = 16;

/** The pseudonyms of requesters. */
export interface Requesters {
  /**
   * The requester's pseudonym, made at the first call with its key; the same in every process. Rejects with
   * `engine-unavailable`, fate `none`, while the requester is being erased.
   */
  pseudonym(requester: string): Promise<string>;
  /** What is kept in memory of a requester, by `Lookup.requester`, is read again. */
  forget(tag: string): void;
  /** The pseudonym, if it was ever made. */
  known(requester: string): Promise<string | undefined>;
}

/** What {@link openRequesters} takes. */
export interface RequestersSetup {
  readonly store: EngineStore;
  readonly lookup: Lookup;
  readonly dataKeys: DataKeys;
  readonly clock: Pick<Clock, 'now'>;
  /** A record is taken to be as it was for so long: then it is looked at again whether the requester is being erased. */
  readonly keyCacheMs: number;
}

interface Known {
  readonly pseudonym: string;
  readonly readAt: number;
}

/** The record of a requester. */
export interface RequesterRecord {
  readonly name: string;
  readonly pseudonym: string;
  readonly erasing?: true;
}

/** A record with the revision that the next write must name. */
export interface StoredRequester {
  readonly record: RequesterRecord;
  readonly revision: number;
}

/** The record of a requester, by `Lookup.requester`. Rejects with `record-corrupt`. */
export async function readRequester(store: EngineStore, tag: string): Promise<StoredRequester | undefined> {
  const stored = await store.get(requesterKey(tag));
  return stored && { record: parseRequester(stored.value), revision: stored.revision };
}

/** Where the store has the record of a requester, by `Lookup.requester`. */
export function requesterKey(tag: string): string {
  return `requester/${tag}`;
}

/** The requesters in a store. */
export function openRequesters({ store, lookup, dataKeys, clock, keyCacheMs }: RequestersSetup): Requesters {
  const pseudonyms = new BoundedMap<string, Known>(cached);
  const inLine = serialByKey();

  async function read(tag: string): Promise<StoredRequester | undefined> {
    const readAt = clock.now();
    const stored = await readRequester(store, tag);
    if (stored === undefined || stored.record.erasing === true) pseudonyms.delete(tag);
    else pseudonyms.set(tag, { pseudonym: stored.record.pseudonym, readAt });
    return stored;
  }

  async function make(tag: string, requester: string): Promise<string> {
    const pseudonym = randomPiece(pseudonymBytes).toString('base64url');
    const vault = await dataKeys.make(pseudonym);
    const sealed = vault.seal(pseudonym, 'requester', Buffer.from(requester, 'utf8'));
    const record: RequesterRecord = { name: Buffer.from(sealed).toString('base64'), pseudonym };
    const readAt = clock.now();
    if ((await store.create(requesterKey(tag), encodeRequester(record))) !== undefined) {
      pseudonyms.set(tag, { pseudonym, readAt });
      return pseudonym;
    }
    // Another host made it in the same moment. Nothing was sealed under this one but the name.
    await dataKeys.destroy(pseudonym).catch(() => undefined);
    return find(tag, requester);
  }

  async function find(tag: string, requester: string): Promise<string> {
    const known = fresh(tag);
    if (known !== undefined) return known;
    const stored = await read(tag);
    if (stored === undefined) return make(tag, requester);
    if ((await dataKeys.of(stored.record.pseudonym)) === undefined) {
      // It was erased, and this record is from a backup of before: whoever comes by that name now is somebody new.
      pseudonyms.delete(tag);
      await store.delete(requesterKey(tag), stored.revision);
      return find(tag, requester);
    }
    if (stored.record.erasing === true) throw beingErased();
    return stored.record.pseudonym;
  }

  function fresh(tag: string): string | undefined {
    const known = pseudonyms.get(tag);
    return known !== undefined && clock.now() - known.readAt < keyCacheMs ? known.pseudonym : undefined;
  }

  return {
    async pseudonym(requester) {
      const tag = lookup.requester(requester);
      // One who comes for the first time often comes with several requests at once.
      return fresh(tag) ?? inLine(tag, () => find(tag, requester));
    },
    forget: (tag) => pseudonyms.delete(tag),
    async known(requester) {
      const tag = lookup.requester(requester);
      return fresh(tag) ?? (await read(tag))?.record.pseudonym;
    },
  };
}

/** The bytes of a requester's record. */
export function encodeRequester(record: RequesterRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record), 'utf8');
}

/** A requester's record. Throws `record-corrupt`. */
function parseRequester(value: Uint8Array): RequesterRecord {
  try {
    const { name, pseudonym, erasing } = JSON.parse(
      Buffer.from(value).toString('utf8'),
    ) as Partial<RequesterRecord>;
    if (
      typeof pseudonym === 'string' &&
      /^[A-Za-z0-9_-]{1,64}$/.test(pseudonym) &&
      typeof name === 'string'
    ) {
      return { name, pseudonym, ...(erasing === true && { erasing }) };
    }
  } catch {
    // said below
  }
  throw new LedgerError('record-corrupt', 'The record of a requester is not readable.');
}

/** What is refused while a requester is being erased. */
export function beingErased(): EngineError {
  return new EngineError(
    'engine-unavailable',
    'none',
    'The requester is being erased: nothing is accepted for it until that is done.',
  );
}
