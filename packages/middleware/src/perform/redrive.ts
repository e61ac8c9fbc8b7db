import type { DeferralLedger } from '../ledger/deferral.ts';
import type { PerformerEvent } from './performer-events.ts';

/** What became of the wish to redrive. */
export type RedriveResult = 'redriven' | 'not-redrivable';

/** Who redrives, and how. */
export interface RedriveTerms {
  /** `token:<subject>`, `code:<name>` or `command:<name>`: it stands in the ledger. */
  readonly by: string;
  /**
   * Begins the route anew although some of its transactions are done. Without it such a deferral is parked again, unless its work
   * type is `repeatable`. Default false.
   */
  readonly repeat?: boolean;
}

/**
 * Puts a parked deferral back on its queue, whatever it was parked for: it is tried as if it had never been, with `maxAttempts` more
 * attempts. What its completion rows say is done is not done again. Rejects where the engine can't be asked; it may then be
 * tried again.
 */
export async function redriveDeferral(
  parts: {
    readonly ledger: Pick<DeferralLedger, 'find' | 'step'>;
    readonly tell: (event: PerformerEvent) => void;
  },
  id: string,
  { by, repeat = false }: RedriveTerms,
): Promise<{ readonly result: RedriveResult; readonly partition?: string }> {
  // Of what there is none, nothing can be parked.
  if ((await parts.ledger.find(id))?.phase !== 'parked') return { result: 'not-redrivable' };
  const redriven = await parts.ledger.step(id, { type: 'redriven', by, repeat });
  if (redriven === undefined) return { result: 'not-redrivable' };
  const { partition, workType } = redriven;
  parts.tell({ type: 'redriven', id, partition, workType, by });
  return { result: 'redriven', partition };
}
