import { type LedgerReport, LedgerVerifier } from '@slackwater/shared';
import type { EngineLog } from '../engines/log.ts';
import type { EngineStore } from '../engines/store.ts';
import { sha256 } from './sha256.ts';
import { ed25519Verify } from './signer.ts';

const blocksPerRead = 200;
const entriesPerRead = 500;

/**
 * Verifies the whole ledger from its stored bytes, every block and every entry. `verifierKeys` are C2SP verifier keys;
 * `oldCheckpoint` is a signed head that somebody kept, against which a cut at the end is noticed. Entries that wait to
 * be sealed are left out.
 */
export async function verifyStored(
  parts: { readonly log: EngineLog; readonly store: EngineStore },
  trust: { readonly verifierKeys: readonly string[]; readonly oldCheckpoint: string },
): Promise<LedgerReport> {
  const verifier = new LedgerVerifier({ ...trust, sha256, ed25519Verify });
  const entries = entriesOf(parts.log);
  for await (const text of blocksOf(parts.store)) {
    if (verifier.block(text) !== undefined) break;
    while (verifier.pending > 0) {
      const { done, value } = await entries.next();
      if (done === true || verifier.entry(value) !== undefined) return verifier.finish();
    }
  }
  return verifier.finish();
}

/** The texts of a store's blocks, by height. */
export async function* blocksOf(store: EngineStore): AsyncGenerator<string> {
  let after = {};
  for (;;) {
    const page = await store.list('blocks/', { limit: blocksPerRead, ...after });
    if (page.length === 0) return;
    for (const { key, value } of page) {
      after = { after: key };
      yield Buffer.from(value).toString('utf8');
    }
  }
}

/** The entries of a log from `from` on. */
export async function* entriesOf(log: EngineLog, from = 0): AsyncGenerator<Uint8Array, undefined> {
  for (let at = from; ; ) {
    const page = await log.read(at, entriesPerRead);
    if (page.length === 0) return undefined;
    yield* page;
    at += page.length;
  }
}
