import type { Clock } from '../clock.ts';
import type { OpenEngine } from '../engines/engine.ts';
import { parseKeyFile } from '../ledger/keys.ts';
import { CommandFailed } from './failures.ts';
import type { LedgerName, Place } from './place.ts';
import { usage } from './read-options.ts';
import { readSecret, writeSecret } from './secret-file.ts';

/** Between which places keys go, and the file that was named for them. */
export interface KeysOnTheirWay {
  readonly from: Place;
  readonly to: Place;
  readonly ledger: LedgerName;
  readonly file: string | undefined;
}

/**
 * The key file of the source's ledger, from the source or from the named file. Rejects with a `UsageError` where that is
 * missing or nobody needs it, with a {@link CommandFailed} where the source has no keys, and with `key-file-unreadable`.
 */
export async function sourceKeys(
  { from, to, ledger, file }: KeysOnTheirWay,
  clock: Clock,
): Promise<Uint8Array> {
  if (from.keyFile === undefined) {
    if (file === undefined) throw usage('copy', `--keys is missing; ${from.shown} keeps no keys`);
    return checked(await readSecret(file));
  }
  if (file !== undefined && to.keyFile !== undefined) {
    throw usage('copy', `--keys ${JSON.stringify(file)}: the keys go along by themselves; leave it out`);
  }
  const path = from.keyFile(ledger);
  const engine = await (await from.engine(new Uint8Array(0))).open({ ...ledger, clock });
  let isMissing = false;
  try {
    const refuse = (): never => {
      isMissing = true;
      throw new Error('there is none');
    };
    return checked(await engine.keyFile(refuse));
  } catch (error) {
    if (!isMissing) throw error;
    throw new CommandFailed(`${path}, the source's key file, is gone; put it back from its backup`);
  } finally {
    await engine.close();
  }
}

/** Puts the keys where the target's processes find them. Rejects with a {@link CommandFailed} where other keys are there. */
export async function placeKeys(
  { from, to, file }: KeysOnTheirWay,
  target: OpenEngine,
  keys: Uint8Array,
): Promise<void> {
  if (to.keyFile !== undefined) {
    const there = await target.keyFile(() => keys);
    if (Buffer.compare(there, keys) === 0) return;
    throw new CommandFailed(
      `${to.shown} has other keys of that application and group; give an empty place, or move the key file away`,
    );
  }
  if (from.keyFile !== undefined && file !== undefined) await writeSecret(file, keys);
}

/** What people must know of the keys once the copy is done; undefined where the place has them. */
export function adviceOnKeys({ from, to, ledger, file }: KeysOnTheirWay): string | undefined {
  if (to.keyFile !== undefined) return undefined;
  return `every host is given the keys: they are in ${file ?? from.keyFile?.(ledger)}`;
}

function checked(keys: Uint8Array): Uint8Array {
  parseKeyFile(keys);
  return keys;
}
