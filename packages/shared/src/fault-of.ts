import { isSlackwaterError } from './errors.ts';
import type { LedgerFault } from './ledger-report.ts';

/** What is wrong with a checkpoint, from what opening it threw. */
export function faultOf(error: unknown, prefix: 'checkpoint' | 'old-checkpoint'): LedgerFault {
  const code = isSlackwaterError(error) ? error.code : undefined;
  if (code === 'verifier-key-malformed') return code;
  return code === 'note-unverified' ? `${prefix}-unverified` : `${prefix}-malformed`;
}

/** What was thrown, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unreadable';
}
