import type { OpenEngine } from '../../engines/engine.ts';
import type { EngineStore } from '../../engines/store.ts';
import { encodeIdentity, type Identity, identityKey, readIdentity } from '../../ledger/identity.ts';
import type { LedgerKeys } from '../../ledger/keys.ts';
import { CommandFailed } from '../failures.ts';
import { notThisLedger } from './not-this-ledger.ts';

/** What is in the target before the copy: nothing, a part that was not finished, or a ledger that a gate may open. */
export type Found = 'nothing' | 'begun' | 'ledger';

/** Rejects with a {@link CommandFailed} where the source has no ledger, not all of one, or one of other keys. */
export async function checkSource({ store }: OpenEngine, keys: LedgerKeys): Promise<void> {
  const identity = await readIdentity(store);
  if (identity === undefined) {
    throw new CommandFailed('the source holds no ledger; is the place the right one, and are the names?');
  }
  if (identity.unfinishedCopy === true) {
    throw new CommandFailed('the source is a copy that was not finished; finish it, or copy from its source');
  }
  if (!isOf(identity, keys)) {
    throw new CommandFailed("the source's ledger was written with other keys than these; give its own");
  }
}

/** What is in the target. Changes nothing. Rejects with a {@link CommandFailed} where that is nothing of these keys. */
export async function lookAtTarget({ log, store }: OpenEngine, keys: LedgerKeys): Promise<Found> {
  const identity = await readIdentity(store);
  if (identity === undefined) {
    const size = await log.size();
    const [stored] = await store.list('', { limit: 1 });
    if (size > 0 || stored !== undefined) {
      throw notThisLedger(
        `it holds ${size === 0 ? `${stored?.key}, and` : `${size} entries, and`} no ledger's name`,
      );
    }
    return 'nothing';
  }
  if (!isOf(identity, keys)) throw notThisLedger(`it holds the ledger ${identity.origin}, of other keys`);
  return identity.unfinishedCopy === true ? 'begun' : 'ledger';
}

/** Marks the target as a copy that lacks something: from here on no gate opens it. */
export async function markBegun(store: EngineStore, keys: LedgerKeys): Promise<void> {
  await store.put(identityKey, encodeIdentity({ ...identityOf(keys), unfinishedCopy: true }));
}

/** Takes the mark off: from here on the target is the ledger. */
export async function markWhole(store: EngineStore, keys: LedgerKeys): Promise<void> {
  await store.put(identityKey, encodeIdentity(identityOf(keys)));
}

function identityOf({ fingerprint, origin }: LedgerKeys): Identity {
  return { fingerprint, origin };
}

function isOf(identity: Identity, keys: LedgerKeys): boolean {
  return identity.fingerprint === keys.fingerprint && identity.origin === keys.origin;
}
