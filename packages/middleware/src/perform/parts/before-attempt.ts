import { ownMethods } from '@slackwater/shared';
import { concludeParked, type Job, putBack } from '../conclude.ts';
import { releasedNow } from './look-at-hold.ts';
import { hasHandler } from './own-work.ts';

/**
 * Whether a claimed deferral that is no request may be attempted here and now: its handler is registered, and what it belongs to
 * has ended as it must. Where it may not, its item is on the queue or off it as that wants. Rejects where the engine has trouble.
 */
export async function mayBeAttempted(job: Job): Promise<boolean> {
  const { parts, claim, deferral } = job;
  if (hasHandler(parts.own.handlers, deferral)) return !deferral.held || (await releasedNow(job));
  const delayMs = parts.missingRoutes.missedForMs(claim.id);
  if (delayMs !== undefined || isParkedForHandler(job)) {
    await putBack(job, delayMs ?? parts.options.lookCapMs);
    return false;
  }
  const { method, route, workType } = deferral;
  const what =
    method === ownMethods.part
      ? `There is no part ${JSON.stringify(route)} any more: register it under parts`
      : `The work type ${JSON.stringify(workType)} has no compensate any more: give it one`;
  const message = `${what} again, and it is performed; or cancel it.`;
  await concludeParked(job, { code: 'handler-missing', message }, { againMs: parts.options.lookCapMs });
  return false;
}

/** Parked, and to be looked at all the same: the next version of the application may have its handler again. */
export function isParkedForHandler({ deferral }: Pick<Job, 'deferral'>): boolean {
  return deferral.phase === 'parked' && deferral.error?.code === 'handler-missing';
}
