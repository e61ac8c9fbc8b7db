import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { WrappedKeys } from '../engines/wrapped-keys.ts';
import { BoundedMap } from './bounded-map.ts';
import { type CurrentVersion, encodeCurrent, parseCurrent } from './current-version.ts';
import type { KeyRing } from './key-ring.ts';
import { unwrapKey, versionMissing, wrapKey, wrappedUnder } from './key-wrapping.ts';
import type { LedgerKeys, WrappingKey } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import { sha256 } from './sha256.ts';
import { openVault, type Vault } from './vault.ts';

// The requesters' keys: the engine's wrapped key at requester/<pseudonym> (key-wrapping.ts). Whose record is read or written
// is said by its pseudonym. Unwrapped keys are kept for keyCacheMs at most: a key that another host destroyed is
// used no longer than that.
//
// Under which version new ones are wrapped is at current (current-version.ts), so that all hosts agree. It is made with the ledger:
// where it is gone and the ledger is not, so are the requesters' keys.

const mostKept = 10_000;
const currentKey = 'current';
const prefix = 'requester/';
const keysPerPage = 500;

/** What a requester's key is called in the engine. */
export function wrappedKeyName(pseudonym: string): string {
  return prefix + pseudonym;
}

function pseudonymIn(name: string): string | undefined {
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
}

/** The keys that the values of requesters are sealed under. */
export interface DataKeys {
  /** Undefined where it was destroyed, or never made. */
  of(pseudonym: string): Promise<Vault | undefined>;
  /** The same, and rejects with `requester-erased` where there is none. */
  need(pseudonym: string): Promise<Vault>;
  make(pseudonym: string): Promise<Vault>;
  /** When this resolves nobody can make it again. Other hosts may use it for `keyCacheMs` more. */
  destroy(pseudonym: string): Promise<void>;
  /** The version that new keys are wrapped under. */
  currentVersion(): Promise<number>;
  /** Wraps every key again that is wrapped under an older version than the current one. Resolves with how many there were. */
  wrapAllAgain(): Promise<number>;
  /**
   * Wraps new keys under that version from now on; other hosts within `keyCacheMs`. Until `recorded` it is known to be
   * unrecorded, from that size of the log on. Changes nothing where that version or a later one is in force.
   */
  useVersion(version: number, logSize: number): Promise<void>;
  /** The version in force and since when, where no entry may say so. */
  unrecorded(): Promise<Required<CurrentVersion> | undefined>;
  /** An entry says that this version is in force. */
  recorded(version: number): Promise<void>;
}

/** What {@link openDataKeys} takes. */
export interface DataKeysSetup {
  readonly wrappedKeys: WrappedKeys;
  readonly ring: KeyRing;
  readonly clock: Pick<Clock, 'now'>;
  readonly keyCacheMs: number;
  /** Whether nothing was recorded in the ledger yet. */
  readonly isNew: () => Promise<boolean>;
}

interface Cached<T> {
  readonly value: T;
  readonly readAt: number;
}

/** The requesters' keys of a ledger. Rejects with `ledger-keys-differ` where the ledger has some and they are gone. */
export async function openDataKeys(setup: DataKeysSetup): Promise<DataKeys> {
  const { wrappedKeys, ring, clock, keyCacheMs } = setup;
  const kept = new BoundedMap<string, Cached<Vault>>(mostKept);
  let current: Cached<number> | undefined;
  await currentVersion();

  function fresh<T>(cached: Cached<T> | undefined): T | undefined {
    return cached !== undefined && clock.now() - cached.readAt < keyCacheMs ? cached.value : undefined;
  }

  async function currentVersion(): Promise<number> {
    const known = fresh(current);
    if (known !== undefined) return known;
    const readAt = clock.now();
    const stored = await wrappedKeys.get(currentKey);
    const value = stored === undefined ? await begin() : parsed(stored.value).version;
    current = { value, readAt };
    return value;
  }

  async function begin(): Promise<number> {
    if (!(await setup.isNew())) throw gone();
    const version = newestOf(ring.keys.encryption).version;
    if ((await wrappedKeys.create(currentKey, encoded({ version }))) !== undefined) return version;
    const stored = await wrappedKeys.get(currentKey);
    return stored === undefined ? version : parsed(stored.value).version;
  }

  function parsed(value: Uint8Array): CurrentVersion {
    return parseCurrent(value, ring.keys.fingerprint);
  }

  function encoded(value: CurrentVersion): Uint8Array {
    return encodeCurrent(value, ring.keys.fingerprint);
  }

  /** `change` gives what takes the place of what is in force, or undefined where that stays. */
  async function changeCurrent(
    change: (before: CurrentVersion) => CurrentVersion | undefined,
  ): Promise<void> {
    for (;;) {
      const stored = await wrappedKeys.get(currentKey);
      if (stored === undefined) throw gone();
      current = undefined;
      const next = change(parsed(stored.value));
      if (next === undefined) return;
      if ((await wrappedKeys.update(currentKey, encoded(next), stored.revision)) !== undefined) return;
    }
  }

  async function wrappingKey(version: number): Promise<WrappingKey> {
    const find = (): WrappingKey | undefined => ring.keys.encryption.find((key) => key.version === version);
    const known = find();
    if (known !== undefined) return known;
    const { encryption } = await ring.reload();
    const found = find();
    if (found === undefined) throw versionMissing(version, encryption);
    return found;
  }

  function keep(pseudonym: string, key: Uint8Array, readAt: number): Vault {
    const vault = openVault({ id: keyIdOf(pseudonym), key });
    kept.set(pseudonym, { value: vault, readAt });
    return vault;
  }

  async function read(pseudonym: string): Promise<Vault | undefined> {
    const readAt = clock.now();
    const name = wrappedKeyName(pseudonym);
    const stored = await wrappedKeys.get(name);
    if (stored === undefined) {
      kept.delete(pseudonym);
      return undefined;
    }
    const under = await wrappingKey(wrappedUnder(pseudonym, stored.value));
    const key = unwrapKey(pseudonym, stored.value, [under]);
    const version = await currentVersion();
    if (under.version < version) await wrapAgain(pseudonym, key, version, stored.revision);
    return keep(pseudonym, key, readAt);
  }

  /** What it would be read by is there in any case: whether this succeeds matters to nobody who reads. */
  async function wrapAgain(
    pseudonym: string,
    key: Uint8Array,
    version: number,
    revision: number,
  ): Promise<void> {
    try {
      const wrapped = wrapKey(pseudonym, key, await wrappingKey(version));
      await wrappedKeys.update(wrappedKeyName(pseudonym), wrapped, revision);
    } catch {
      // The next one to read it, or "slackwater keys rotate", does it.
    }
  }

  /** Whether it was wrapped under an older one. */
  async function wrapUnder(pseudonym: string, version: number): Promise<boolean> {
    const name = wrappedKeyName(pseudonym);
    for (;;) {
      const stored = await wrappedKeys.get(name);
      if (stored === undefined) return false;
      const under = wrappedUnder(pseudonym, stored.value);
      if (under >= version) return false;
      const key = unwrapKey(pseudonym, stored.value, [await wrappingKey(under)]);
      const wrapped = wrapKey(pseudonym, key, await wrappingKey(version));
      if ((await wrappedKeys.update(name, wrapped, stored.revision)) !== undefined) return true;
    }
  }

  async function of(pseudonym: string): Promise<Vault | undefined> {
    return fresh(kept.get(pseudonym)) ?? read(pseudonym);
  }

  return {
    of,
    async need(pseudonym) {
      const vault = await of(pseudonym);
      if (vault === undefined) throw erased(pseudonym);
      return vault;
    },
    async make(pseudonym) {
      const key = randomBytes(32);
      const wrapped = wrapKey(pseudonym, key, await wrappingKey(await currentVersion()));
      const readAt = clock.now();
      const made = await wrappedKeys.create(wrappedKeyName(pseudonym), wrapped);
      if (made === undefined) throw new Error(`The key of requester ${pseudonym} was made twice.`);
      return keep(pseudonym, key, readAt);
    },
    async destroy(pseudonym) {
      kept.delete(pseudonym);
      await wrappedKeys.destroy(wrappedKeyName(pseudonym));
      kept.delete(pseudonym);
    },
    currentVersion,
    async wrapAllAgain() {
      const version = await currentVersion();
      let count = 0;
      for (let after: string | undefined; ; ) {
        const page = await wrappedKeys.list({ limit: keysPerPage, ...(after !== undefined && { after }) });
        if (page.length === 0) return count;
        after = page.at(-1)?.key;
        for (const { key } of page) {
          const pseudonym = pseudonymIn(key);
          if (pseudonym !== undefined && (await wrapUnder(pseudonym, version))) count += 1;
        }
      }
    },
    async useVersion(version, logSize) {
      await wrappingKey(version);
      await changeCurrent((before) =>
        before.version < version ? { version, unrecordedFrom: logSize } : undefined,
      );
    },
    async unrecorded() {
      const stored = await wrappedKeys.get(currentKey);
      if (stored === undefined) throw gone();
      const { version, unrecordedFrom } = parsed(stored.value);
      return unrecordedFrom === undefined ? undefined : { version, unrecordedFrom };
    },
    recorded: (version) =>
      changeCurrent((before) =>
        before.version === version && before.unrecordedFrom !== undefined ? { version } : undefined,
      ),
  };
}

/**
 * The vault of a requester, for those who read a ledger and are no part of it: nothing is made, wrapped again or kept. Undefined where its
 * key was destroyed, or never made. Rejects with `record-corrupt`, and with `ledger-keys-differ` where the keys lack a version.
 */
export async function readVault(
  wrappedKeys: Pick<WrappedKeys, 'get'>,
  encryption: LedgerKeys['encryption'],
  pseudonym: string,
): Promise<Vault | undefined> {
  const stored = await wrappedKeys.get(wrappedKeyName(pseudonym));
  if (stored === undefined) return undefined;
  return openVault({ id: keyIdOf(pseudonym), key: unwrapKey(pseudonym, stored.value, encryption) });
}

/** What a requester's key is called in the values that are sealed under it. */
function keyIdOf(pseudonym: string): string {
  return Buffer.from(sha256(Buffer.from(pseudonym, 'utf8')))
    .toString('hex')
    .slice(0, 8);
}

function newestOf([first, ...others]: KeyRing['keys']['encryption']): WrappingKey {
  return others.at(-1) ?? first;
}

function gone(): LedgerError {
  return new LedgerError(
    'ledger-keys-differ',
    "The requesters' wrapped keys are gone, and without them nothing that was recorded can be read or performed. Put them back from their " +
      'own backup (slackwater-keys.db, the table wrapped_key, or the bucket ..._KEYS); or begin a new ledger in another place.',
  );
}

function erased(pseudonym: string): LedgerError {
  return new LedgerError(
    'requester-erased',
    `The key of requester ${pseudonym} was destroyed: what was recorded for it can't be read by anybody any more.`,
  );
}
