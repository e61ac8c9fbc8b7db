import type { Clock } from '../clock.ts';
import type { OpenEngine } from '../engines/engine.ts';
import type { EngineStore } from '../engines/store.ts';
import { type KeyRing, openKeyRing } from './key-ring.ts';
import { createKeyFile, isOrigin, parseKeyFile } from './keys.ts';
import { LedgerError } from './ledger-error.ts';

// Which keys a ledger belongs to: the store's value at ledger/identity, JSON { "fingerprint": hexadecimal, "origin": text },
// created once. While a copy of a ledger is being made, the copy's has "unfinishedCopy": true as well.

/** Where the store has the identity. */
export const identityKey = 'ledger/identity';

/** Whose keys a ledger has. */
export interface Identity {
  /** `LedgerKeys.fingerprint`. */
  readonly fingerprint: string;
  readonly origin: string;
  /** There where the ledger is a copy that still lacks something: who went on from it would fork the ledger. */
  readonly unfinishedCopy?: true;
}

/**
 * The ledger's keys; made where the ledger is new, and only there. Rejects with `ledger-keys-differ` where the ledger has
 * other keys or another origin, or has none any more, with `ledger-copy-unfinished` unless `finishingCopy`, and with
 * `key-file-unreadable` and `option-invalid`.
 */
export async function openIdentity(
  engine: OpenEngine,
  owner: {
    readonly application: string;
    readonly group: string;
    readonly origin?: string | undefined;
    readonly finishingCopy?: boolean;
    readonly clock: Pick<Clock, 'now'>;
  },
): Promise<KeyRing> {
  if (owner.origin !== undefined && !isOrigin(owner.origin)) {
    throw new LedgerError(
      'option-invalid',
      `origin: ${JSON.stringify(owner.origin)} has spaces, a plus sign or control characters, is empty or longer than 255; ` +
        'give a name such as "ledger.example.com/payments".',
    );
  }
  const known = await readIdentity(engine.store);
  if (known?.unfinishedCopy === true && owner.finishingCopy !== true) throw unfinished();
  const isNew = known === undefined && (await engine.log.size()) === 0;
  const keys = parseKeyFile(await keyFile(engine, owner, isNew));
  if (owner.origin !== undefined && owner.origin !== keys.origin) {
    throw differ(`the option "origin" names ${owner.origin} and the ledger's keys belong to ${keys.origin}`);
  }
  const identity: Identity = { fingerprint: keys.fingerprint, origin: keys.origin };
  const stored = known ?? (await claimIdentity(engine, identity));
  if (stored.fingerprint !== identity.fingerprint)
    throw differ('the key file holds other keys than it was begun with');
  if (stored.origin !== identity.origin)
    throw differ(`its origin is ${stored.origin} and the key file says ${keys.origin}`);
  return openKeyRing(keys, () => keyFile(engine, owner, false), owner.clock);
}

async function keyFile(
  engine: OpenEngine,
  owner: { readonly application: string; readonly group: string; readonly origin?: string | undefined },
  isNew: boolean,
): Promise<Uint8Array> {
  let refusal: LedgerError | undefined;
  try {
    return await engine.keyFile(() => {
      if (isNew) return createKeyFile(owner);
      // New keys would leave all that is recorded unreadable, and sign as somebody else.
      refusal = differ('its key file is gone');
      throw refusal;
    });
  } catch (error) {
    throw refusal ?? error;
  }
}

async function claimIdentity(engine: OpenEngine, identity: Identity): Promise<Identity> {
  const created = await engine.store.create(identityKey, encodeIdentity(identity));
  if (created !== undefined) return identity;
  const first = await readIdentity(engine.store);
  if (first?.unfinishedCopy === true) throw unfinished();
  return first ?? identity;
}

/** The identity as the store has it. */
export function encodeIdentity(identity: Identity): Uint8Array {
  return Buffer.from(JSON.stringify(identity), 'utf8');
}

/** The identity in a store; undefined where no ledger was begun. Rejects with `ledger-corrupt`, or an `EngineError`. */
export async function readIdentity(store: EngineStore): Promise<Identity | undefined> {
  const stored = await store.get(identityKey);
  if (stored === undefined) return undefined;
  try {
    const { fingerprint, origin, unfinishedCopy } = JSON.parse(
      Buffer.from(stored.value).toString('utf8'),
    ) as Partial<Identity>;
    if (typeof fingerprint === 'string' && typeof origin === 'string') {
      return { fingerprint, origin, ...(unfinishedCopy === true && { unfinishedCopy }) };
    }
  } catch {
    // said below
  }
  throw new LedgerError('ledger-corrupt', 'The record of whose keys this ledger has is not readable.');
}

function unfinished(): LedgerError {
  return new LedgerError(
    'ledger-copy-unfinished',
    'This is the copy of a ledger, and not all of it is here yet: run the same "slackwater copy" again, which goes on where it was.',
  );
}

function differ(problem: string): LedgerError {
  return new LedgerError(
    'ledger-keys-differ',
    `The ledger can't be continued: ${problem}. Give it its own keys again (the key file, or the engine's option "keys"); or begin a new ledger ` +
      'in another place (directory, prefix, schema). Two applications of one name in one place are also refused like this.',
  );
}
