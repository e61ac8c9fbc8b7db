import { type LedgerReport, LedgerVerifier } from '@slackwater/shared';
import type { EngineLog } from '../engines/log.ts';
import type { EngineStore } from '../engines/store.ts';
import type { Sealer } from './sealer.ts';
import { sha256 } from './sha256.ts';
import { ed25519Verify } from './signer.ts';

const blocksPerRead = 200;
const entriesPerRead = 500;

/**
 * Verifies the whole ledger from its stored bytes: every block and every entry, by nothing that is kept in memory but the
 * newest head, against which a cut at the end is noticed. `verifierKeys` are C2SP verifier keys; `oldCheckpoint` a signed
 * head that somebody kept (default: the newest head this process knows). Entries that wait to be sealed are left out.
 */
export async function verifyStored(
  parts: { readonly log: EngineLog; readonly store: EngineStore; readonly sealer: Sealer },
  trust: { readonly verifierKeys: readonly string[]; readonly oldCheckpoint?: string | undefined },
): Promise<LedgerReport> {
  const verifier = new LedgerVerifier({
    verifierKeys: trust.verifierKeys,
    oldCheckpoint: trust.oldCheckpoint ?? parts.sealer.head.checkpoint,
    sha256,
    ed25519Verify,
  });
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

async function* blocksOf(store: EngineStore): AsyncGenerator<string> {
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

async function* entriesOf(log: EngineLog): AsyncGenerator<Uint8Array, undefined> {
  for (let at = 0; ; ) {
    const page = await log.read(at, entriesPerRead);
    if (page.length === 0) return undefined;
    yield* page;
    at += page.length;
  }
}
