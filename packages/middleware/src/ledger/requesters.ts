import type { EngineStore } from '../engines/store.ts';
import { BoundedMap } from './bounded-map.ts';
import { LedgerError } from './ledger-error.ts';
import type { Lookup } from './lookup.ts';
import { randomPiece } from './random-bytes.ts';
import { serialByKey } from './serial.ts';
import type { Vault } from './vault.ts';

// A requester: the store's value at requester/<HMAC of the name>, JSON { "name": base64 of the sealed name,
// "pseudonym": text }. Entries hold the pseudonym, which is random and thus says nothing once this record is gone.

const cached = 10_000;
const pseudonymBytes = 16;

/** The pseudonyms of requesters. */
export interface Requesters {
  /** The requester's pseudonym, made at the first call; the same in every process. */
  pseudonym(requester: string): Promise<string>;
  /** The pseudonym, if it was ever made. */
  known(requester: string): Promise<string | undefined>;
}

/** The requesters in a store. */
export function openRequesters(store: EngineStore, lookup: Lookup, vault: Vault): Requesters {
  const pseudonyms = new BoundedMap<string, string>(cached);
  const inLine = serialByKey();

  async function read(tag: string): Promise<string | undefined> {
    const stored = await store.get(`requester/${tag}`);
    if (stored === undefined) return undefined;
    const pseudonym = parsePseudonym(stored.value);
    pseudonyms.set(tag, pseudonym);
    return pseudonym;
  }

  async function make(tag: string, requester: string): Promise<string> {
    const pseudonym = randomPiece(pseudonymBytes).toString('base64url');
    const name = Buffer.from(vault.seal(pseudonym, 'requester', Buffer.from(requester, 'utf8'))).toString(
      'base64',
    );
    const value = Buffer.from(JSON.stringify({ name, pseudonym }), 'utf8');
    const created = await store.create(`requester/${tag}`, value);
    if (created === undefined) return (await read(tag)) ?? make(tag, requester);
    pseudonyms.set(tag, pseudonym);
    return pseudonym;
  }

  const find = async (tag: string, requester: string): Promise<string> =>
    pseudonyms.get(tag) ?? (await read(tag)) ?? make(tag, requester);

  return {
    async pseudonym(requester) {
      const tag = lookup.requester(requester);
      // One who comes for the first time often comes with several requests at once.
      return pseudonyms.get(tag) ?? inLine(tag, () => find(tag, requester));
    },
    async known(requester) {
      const tag = lookup.requester(requester);
      return pseudonyms.get(tag) ?? read(tag);
    },
  };
}

function parsePseudonym(value: Uint8Array): string {
  try {
    const { pseudonym } = JSON.parse(Buffer.from(value).toString('utf8')) as { pseudonym?: unknown };
    if (typeof pseudonym === 'string' && pseudonym !== '') return pseudonym;
  } catch {
    // said below
  }
  throw new LedgerError('record-corrupt', 'The record of a requester is not readable.');
}
