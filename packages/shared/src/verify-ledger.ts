import type { LedgerReport } from './ledger-report.ts';
import { type LedgerTrust, LedgerVerifier } from './ledger-verifier.ts';

/** A ledger's bytes. */
export interface LedgerBytes {
  /** The entries' bytes in order of position, from 0. */
  readonly entries: Iterable<Uint8Array>;
  /** The blocks' JSON texts in order of height, from 0. */
  readonly blocks: Iterable<string>;
}

/**
 * Verifies a whole ledger from its bytes alone: every entry against its block's root, every block against the one
 * before, every checkpoint against the verifier keys, and all of it against an old checkpoint. Reports the first
 * fault with its place. Never throws; entries and blocks are read once, one at a time, and no further than the first
 * fault. For asynchronous sources use {@link LedgerVerifier}.
 */
export function verifyLedger(ledger: LedgerBytes & LedgerTrust): LedgerReport {
  try {
    const verifier = new LedgerVerifier(ledger);
    const entries = ledger.entries[Symbol.iterator]();
    try {
      feed(verifier, ledger.blocks, entries);
    } finally {
      entries.return?.();
    }
    return verifier.finish();
  } catch {
    return { ok: false, fault: 'input-unreadable', message: 'reading the entries or blocks threw' };
  }
}

function feed(verifier: LedgerVerifier, blocks: Iterable<string>, entries: Iterator<Uint8Array>): void {
  for (const block of blocks) {
    if (verifier.block(block) !== undefined) return;
    while (verifier.pending > 0) {
      const { done, value } = entries.next();
      if (done === true || verifier.entry(value) !== undefined) return;
    }
  }
  const { done, value } = entries.next();
  if (done !== true) verifier.entry(value);
}
