import type { History } from './history.ts';
import { entryBytes, ledgerEntry } from './make-entry.ts';
import type { LedgerParts } from './parts.ts';

// A new key-encryption key, by crash point. No record is written again: only the wrapped keys are.
//
//   version   put in force   crash after: new keys are wrapped under it, and each old one when it is next read, or by the next call
//   keys      wrapped        crash between: some are; each is readable under the version that it names
//   entry     appended       says which version is in force. Crash before: the next call finds that it was not recorded, and records it
//   version   recorded       crash before: the next call finds the entry

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
  const { ring, dataKeys, sealer } = parts;
  const record = (): Promise<void> => recordVersion(parts, newId(), by);
  await record();
  const [first, ...others] = (await ring.reload('urgent')).encryption;
  const { version } = others.at(-1) ?? first;
  await dataKeys.useVersion(version, sealer.head.link.size);
  const wrapped = await dataKeys.wrapAllAgain();
  await record();
  return { version: await dataKeys.currentVersion(), wrapped };
}

/** Records which version is in force where that may not have been done. */
async function recordVersion(parts: LedgerParts, id: string, by: string): Promise<void> {
  const { dataKeys, history, sealer, progress } = parts;
  const pending = await dataKeys.unrecorded();
  if (pending === undefined) return;
  const { version, unrecordedFrom } = pending;
  if (!(await isRecorded(history, version, unrecordedFrom))) {
    const about = { id, by, nowMs: parts.clock.wallNow() };
    const entry = { ...ledgerEntry(parts, 'key-rotated', about), keyVersion: version };
    progress.complete(await sealer.record(entryBytes(entry)).sealed);
  }
  await dataKeys.recorded(version);
}

async function isRecorded(history: History, version: number, from: number): Promise<boolean> {
  for await (const { entry } of history.mentioning('"key-rotated"', from)) {
    if (entry.type === 'key-rotated' && entry.keyVersion === version) return true;
  }
  return false;
}
