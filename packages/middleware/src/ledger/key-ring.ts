import type { Clock } from '../clock.ts';
import { type LedgerKeys, parseKeyFile } from './keys.ts';
import { LedgerError } from './ledger-error.ts';

/** The keys of an open ledger. They grow while it is open: whoever misses one asks for them again. */
export interface KeyRing {
  readonly keys: LedgerKeys;
  /**
   * Reads the key file again, at most each second unless it is `urgent`. Gives the keys, changed or not. Rejects with
   * `key-file-unreadable`, and with `ledger-keys-differ` where they are another ledger's.
   */
  reload(urgent?: 'urgent'): Promise<LedgerKeys>;
}

/** Whoever asks sooner gets what was read last. */
const leastReloadMs = 1_000;

/** The key ring of a ledger whose keys are `keys`; `read` gives the bytes of its key file. */
export function openKeyRing(
  keys: LedgerKeys,
  read: () => Promise<Uint8Array>,
  clock: Pick<Clock, 'now'>,
): KeyRing {
  let current = keys;
  let reading: Promise<LedgerKeys> | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  async function readAgain(): Promise<LedgerKeys> {
    const found = parseKeyFile(await read());
    if (found.fingerprint !== current.fingerprint || found.origin !== current.origin) {
      throw new LedgerError(
        'ledger-keys-differ',
        'The key file was replaced by one of another ledger while this one was open. Put the right one back.',
      );
    }
    current = found;
    return found;
  }

  return {
    get keys() {
      return current;
    },
    reload(urgent) {
      if (urgent === 'urgent' || reading === undefined || clock.now() - readAt >= leastReloadMs) {
        readAt = clock.now();
        reading = readAgain();
      }
      return reading;
    },
  };
}
