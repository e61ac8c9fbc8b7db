import { type LedgerFault, type LedgerReport, LedgerVerifier } from '@slackwater/shared';
import { type Clock, systemClock } from '../clock.ts';
import type { EngineLog } from '../engines/log.ts';
import type { EngineStore } from '../engines/store.ts';
import { sha256 } from './sha256.ts';
import { ed25519Verify } from './signer.ts';

const blocksPerRead = 200;
const entriesPerRead = 500;
/** What a reader sees that is too early: servers that have just chosen a leader which still takes in what was acknowledged. */
const perhapsTooEarly: readonly LedgerFault[] = ['entry-missing', 'height-differs', 'truncated'];
const mostLooks = 4;
/** And twice, three times as long. */
const betweenLooksMs = 500;

/**
 * Verifies the whole ledger from its stored bytes, every block and every entry. `verifierKeys` are C2SP verifier keys;
 * `oldCheckpoint` is a signed head that somebody kept, against which a cut at the end is noticed. Entries that wait to
 * be sealed are left out. What seems to be missing is looked for again for three seconds before that is said.
 */
export async function verifyStored(
  parts: Stored & { readonly clock?: Pick<Clock, 'after'> },
  trust: Trust,
): Promise<LedgerReport> {
  const { clock = systemClock } = parts;
  for (let looks = 1; ; looks++) {
    const report = await verifyOnce(parts, trust);
    if (report.ok || looks === mostLooks || !perhapsTooEarly.includes(report.fault)) return report;
    await new Promise<void>((resolve) => clock.after(looks * betweenLooksMs, resolve));
  }
}

interface Stored {
  readonly log: EngineLog;
  readonly store: EngineStore;
}

interface Trust {
  readonly verifierKeys: readonly string[];
  readonly oldCheckpoint: string;
}

async function verifyOnce(parts: Stored, trust: Trust): Promise<LedgerReport> {
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
