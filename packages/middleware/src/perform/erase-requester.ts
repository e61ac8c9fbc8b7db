import type { Clock } from '../clock.ts';
import type { Erasure } from '../ledger/erasures.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { CancelResult } from './cancel.ts';
import { pause } from './pause.ts';

// Erasing a requester settles first what is pending for it: what nobody performs is canceled, what is being performed is waited for.
// Other hosts may accept for it until they have looked again; so they are given that time before it is looked a last time.

/** What erasing is done with. */
export interface EraserParts {
  readonly ledger: Pick<Ledger, 'erasures' | 'find' | 'recover'>;
  /** Cancels a deferral, as `requester-erased`. What is settled otherwise by now is `not-cancelable`. */
  readonly cancel: (id: string) => Promise<CancelResult>;
  readonly clock: Clock;
  /** Whether the gate closes: then it is left to the next one. */
  readonly isClosing?: () => boolean;
}

/** How far an erasure has come: done, or so many deferrals of the requester are not settled yet. */
export type Erased =
  | { readonly status: 'erased'; readonly requester: string }
  | { readonly status: 'pending'; readonly requester: string; readonly unsettled: number };

const betweenLooksMs = 200;

/**
 * Carries an erasure on until it is done or `waitMs` have passed; then it can be called again, by whatever host. Rejects with
 * an `EngineError` or a `LedgerError`.
 */
export async function eraseRequester(parts: EraserParts, erasure: Erasure, waitMs: number): Promise<Erased> {
  const { ledger, clock } = parts;
  const { erasures } = ledger;
  const requester = erasure.pseudonym;
  const begunAt = clock.now();
  let left: readonly string[] = await settle(parts, await erasures.unsettled(erasure));
  for (;;) {
    const isQuiet = clock.now() - begunAt >= erasures.quietAfterMs;
    if (isQuiet && left.length === 0) {
      // What was accepted and not carried over yet must not be overlooked.
      await ledger.recover();
      left = await erasures.unsettled(erasure);
      if (left.length === 0) {
        await erasures.finish(erasure);
        if (!(await erasures.isOpen(erasure))) return { status: 'erased', requester };
      }
    }
    if (clock.now() - begunAt >= waitMs || parts.isClosing?.() === true)
      return { status: 'pending', requester, unsettled: left.length };
    left = await settle(parts, left);
    await pause(clock, betweenLooksMs);
  }
}

/** Cancels what can be canceled, and gives what is not settled. Where the database can't be asked now, it can be later. */
async function settle({ cancel, ledger }: EraserParts, ids: readonly string[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (const id of ids) {
    const result = await cancel(id).catch(() => 'not-cancelable' as const);
    if (result === 'canceled') continue;
    const deferral = await ledger.find(id);
    if (deferral !== undefined && deferral.phase !== 'settled') left.push(id);
  }
  return left;
}
