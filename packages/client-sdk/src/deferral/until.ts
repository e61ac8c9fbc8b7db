import type { DeferralResource } from '@slackwater/shared';
import type { Limits } from '../call/limits.ts';
import { DeferralNotFoundError } from '../errors/deferrals.ts';
import type { Pause } from './pace.ts';
import type { DeferralSession } from './session.ts';
import { isOver, type Settlement } from './settlement.ts';

/** How a turn of asking ended: with the end, or with what is to be waited for before the next. */
export type TurnEnd<End> = { readonly end: End } | Pause;

/** Asks once about a deferral, for the resource and, where it is settled, for the outcome; the server may hold the request open for `waitMs`. */
export async function settlingTurn(
  session: DeferralSession,
  limits: Limits,
  waitMs: number,
): Promise<TurnEnd<Settlement>> {
  const reading = await session.ask(limits, waitMs);
  session.throwIfEnded(limits);
  const end = session.settle(reading);
  return end === undefined ? session.pauseAfter(reading) : { end };
}

/** Asks at the server's pace until the deferral is settled and its outcome is there, or the limits end it. */
export function untilSettled(session: DeferralSession, limits: Limits, waitMs: number): Promise<Settlement> {
  return inTurns(session, limits, () => settlingTurn(session, limits, waitMs));
}

/** Asks at the server's pace until nothing more can become of the deferral, or the limits end it. */
export async function untilOver(
  session: DeferralSession,
  limits: Limits,
  waitMs: number,
): Promise<DeferralResource> {
  const over = (): DeferralResource | undefined =>
    session.resource !== undefined && isOver(session.resource) ? session.resource : undefined;
  const turn = async (): Promise<TurnEnd<DeferralResource>> => {
    const reading = await session.askStatus(limits, waitMs);
    if (reading.kind === 'absent') throw new DeferralNotFoundError(session.id);
    session.settle(reading);
    session.throwIfEnded(limits);
    const end = over();
    return end === undefined ? session.pauseAfter(reading) : { end };
  };
  return over() ?? (await inTurns(session, limits, turn));
}

async function inTurns<End>(
  session: DeferralSession,
  limits: Limits,
  turn: () => Promise<TurnEnd<End>>,
): Promise<End> {
  let pause = session.firstPause();
  for (;;) {
    if (pause.waitMs > 0) {
      await session.startPause(limits, pause);
      session.throwIfEnded(limits);
    }
    const next = await turn();
    if ('end' in next) return next.end;
    pause = next;
  }
}
