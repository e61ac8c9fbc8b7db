import { entryBytes, ledgerEntry } from './make-entry.ts';
import type { LedgerParts } from './parts.ts';

// A new key-encryption key, by crash point. No record is written again: only the wrapped keys are.
//
//   version   put in force   crash after: new keys are wrapped under it, and each old one when it is next read, or by the next call
//   keys      wrapped        crash between: some are; each is readable under the version that it names
//   entry     appended       says which version is in force. Crash before: the rotation is made, and not recorded

/** What a rotation came to. */
export interface WrappingRotated {
  /** The version that is in force. */
  readonly version: number;
  /** How many requesters' keys were wrapped again. */
  readonly wrapped: number;
}

/** See `Ledger.rotateWrappingKey`. */
export async function rotateWrappingKey(
  parts: LedgerParts,
  newId: () => string,
  by: string,
): Promise<WrappingRotated> {
  const { ring, dataKeys, sealer, progress } = parts;
  const before = await dataKeys.currentVersion();
  const [first, ...others] = (await ring.reload('urgent')).encryption;
  const { version } = others.at(-1) ?? first;
  const isInForce = version <= before || !(await dataKeys.useVersion(version));
  const wrapped = await dataKeys.wrapAllAgain();
  if (!isInForce) {
    const about = { id: newId(), by, nowMs: parts.clock.wallNow() };
    const entry = { ...ledgerEntry(parts, 'key-rotated', about), keyVersion: version };
    progress.complete(await sealer.record(entryBytes(entry)).sealed);
  }
  return { version: await dataKeys.currentVersion(), wrapped };
}
