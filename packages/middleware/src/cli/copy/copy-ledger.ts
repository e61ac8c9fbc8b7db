import type { Clock } from '../../clock.ts';
import type { OpenEngine } from '../../engines/engine.ts';
import { parseKeyFile } from '../../ledger/keys.ts';
import { openSigner } from '../../ledger/signer.ts';
import type { Progress } from '../progress.ts';
import { compareBeginning } from './compare-beginning.ts';
import { checkSource, lookAtTarget, markBegun, markWhole } from './copy-identity.ts';
import { copyLog } from './copy-log.ts';
import { compareStores, copyStore, countValues } from './copy-store.ts';
import { copyWrappedKeys } from './copy-wrapped-keys.ts';
import { recoverTarget, type Verified, verifyTarget } from './finish-copy.ts';
import { checkUnchanged, readHead } from './source-head.ts';

/** What is copied, and to where. Both engines are of the same application and group; nobody else writes to either. */
export interface Copying {
  readonly source: OpenEngine;
  readonly target: OpenEngine;
  /** The key file of the source's ledger. */
  readonly keys: Uint8Array;
  /** Puts the keys where the target's processes find them. Called once it is certain that the target may be written to. */
  readonly placeKeys: () => Promise<void>;
  readonly application: string;
  readonly group: string;
  readonly clock: Clock;
  readonly progress: Progress;
}

/** What a finished copy came to. */
export interface Copied extends Verified {
  /** What the copy has in its store besides blocks and caches: payloads, outcomes, keys of callers and the like. */
  readonly values: number;
  readonly origin: string;
  readonly verifierKey: string;
}

/**
 * Copies a ledger, or goes on with a copy that was begun. Rejects with a `CommandFailed`, or with what ledger and engines
 * reject with. By crash point:
 *
 *   keys          put     crash: they are there, or not; never a part of them
 *   mark          put     crash before: the target is as it was. After: no gate opens it until the mark is taken off
 *   log, blocks   copied  crash: a beginning of them is there; the next run compares it and goes on behind it
 *   store         copied  crash: some values are there; the next run looks at each again
 *   wrapped keys  copied  crash: some are there; the next run looks at each again
 *   verified      -       from the target's bytes; crash: verified again
 *   tail sealed,  made    crash: blocks beyond the source's may be there, over its very entries; states and queue
 *   queue                 are caches. The next run verifies and makes them again
 *   mark          taken   the last write. Crash before: all of the above is found there, and compared. After: done
 *
 * The source stays as it is.
 */
export async function copyLedger(copying: Copying): Promise<Copied> {
  const { source, target, progress } = copying;
  const keys = parseKeyFile(copying.keys);
  const signer = openSigner(keys);
  await checkSource(source, keys);
  const head = await readHead(source, signer);
  const onEntries = (doing: string) => (done: number) => progress.report(doing, done, head.size);
  const onValues = (doing: string) => (done: number) => progress.report(doing, done);

  const found = await lookAtTarget(target, keys);
  const present =
    found === 'ledger' ? await compareBeginning(source, target, onEntries('entries compared')) : 0;
  const isThere = found === 'ledger' && present === head.size;
  await copying.placeKeys();
  if (!isThere) {
    await markBegun(target.store, keys);
    await copyLog({ source, target, signer, head, onEntries: onEntries('entries copied') });
    await copyStore(source, target, onValues('values copied'));
    await copyWrappedKeys(source.wrappedKeys, target.wrappedKeys, onValues('keys copied'));
    await checkUnchanged(source, signer, head);
    await compareStores(source, target, onValues('values compared'));
  }
  const verify = () => verifyTarget(target, signer, head, onEntries('entries verified'));
  const verified = await verify();
  await checkUnchanged(source, signer, head);
  await recoverTarget(target, copying, onEntries('entries carried into states and queue'));
  const sealed = verified.entries === head.size ? verified : await verify();
  if (!isThere) await markWhole(target.store, keys);
  const values = await countValues(target);
  return { ...sealed, values, origin: keys.origin, verifierKey: signer.verifierKey };
}
