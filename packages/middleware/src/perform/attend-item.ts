import { pause } from './pause.ts';
import { type ItemMeans, performItem } from './perform-item.ts';
import type { PerformerParts } from './performer-parts.ts';

/** How often it is tried to claim an item that somebody is looking at, and how long it is waited between, ms. */
const tries = 20;
const betweenMs = 50;

/**
 * Looks at one deferral's item now, whether it is due or not: what it waited for has come. Not while it is paused by hand. Where that can't be done the
 * item is found when it is due. Rejects where the engine has trouble.
 */
export async function attendItem(parts: PerformerParts, id: string, stop: AbortSignal): Promise<void> {
  const { queue, options, holder, clock } = parts;
  const deferral = await parts.ledger.find(id);
  if (deferral === undefined || parts.pauses.isPaused(deferral.partition)) return;
  for (let i = 0; i < tries && !stop.aborted; i += 1) {
    const claim = await queue.claimOne(id, { leaseMs: options.leaseMs, holder });
    if (claim !== undefined) {
      const means: ItemMeans = {
        stop,
        mayRecordLook: () => false,
        turn: { enter: async () => {}, wentWell() {} },
      };
      await performItem(parts, claim, means);
      return;
    }
    if ((await parts.ledger.find(id))?.phase === 'settled') return;
    await pause(clock, betweenMs);
  }
}
