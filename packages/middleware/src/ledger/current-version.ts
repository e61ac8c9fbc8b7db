import { LedgerError } from './ledger-error.ts';

/** Which version of the key-encryption key new requesters' keys are wrapped under; kept among the wrapped keys, at `current`. */
export interface CurrentVersion {
  readonly version: number;
  /**
   * While no entry may say that it is in force: the log had so many entries when it was put in force. A process may have ended
   * between the two.
   */
  readonly unrecordedFrom?: number;
}

/** Its bytes, in a ledger whose keys have that fingerprint. */
export function encodeCurrent(current: CurrentVersion, fingerprint: string): Uint8Array {
  return Buffer.from(JSON.stringify({ v: 1, fingerprint, ...current }), 'utf8');
}

/** Throws `ledger-keys-differ` where it is another ledger's, or was changed. */
export function parseCurrent(value: Uint8Array, fingerprint: string): CurrentVersion {
  try {
    const found = JSON.parse(Buffer.from(value).toString('utf8')) as Record<string, unknown>;
    const { version, unrecordedFrom } = found;
    const isPending = unrecordedFrom !== undefined;
    if (found['fingerprint'] === fingerprint && isCount(version) && (!isPending || isCount(unrecordedFrom))) {
      return { version, ...(isPending && { unrecordedFrom }) };
    }
  } catch {
    // said below
  }
  throw new LedgerError(
    'ledger-keys-differ',
    "The wrapped keys beside this ledger are another ledger's, or were changed. Put its own back.",
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
