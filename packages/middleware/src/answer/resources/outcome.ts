import { createProblem, headerNames, isSlackwaterError } from '@slackwater/shared';
import type { Deferral, Outcome } from '../../ledger/deferral.ts';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { bearerOf, isItsRequester } from './access.ts';
import type { Exchange } from './exchange.ts';
import { type Found, findDeferral, resourceOf } from './find-deferral.ts';
import { isSettled, paceOf } from './pace.ts';
import { purposeOf } from './proof.ts';
import { sendOutcome, sendOutcomeRecord } from './send-outcome.ts';
import { sendErased, tellTrouble } from './trouble.ts';

/**
 * `GET /deferrals/:id/outcome`: 202 with the resource until the deferral is settled, then the route's own answer. A
 * settled deferral that has none gets 404, or 410 where its requester was erased, without `Slackwater-Outcome`, so that nobody
 * takes that for the route's.
 * With `as=record` it is the record that the digest in the ledger is taken over; whoever sees it by a token gets that of a parked
 * deferral, too: what its route answered last, to see to it.
 * A stranger's token needs `audit:reveal`, for outcomes are kept encrypted, and a `purpose`: that it is shown is recorded first.
 */
export async function getOutcome(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  const found = await findDeferral(exchange, 'audit:reveal');
  if (found === undefined) return sendNotFound(res);
  const { deferral } = found;
  if (!isSettled(deferral)) {
    if (await sendLastOfParked(exchange, found)) return;
    const headers = { ...paceOf(parts, deferral), [headerNames.outcome]: 'pending' };
    return sendJson(res, 202, headers, await resourceOf(exchange, found));
  }
  const outcome = await keptOutcome(exchange, found);
  if (typeof outcome === 'object') {
    await recordReveal(exchange, found);
    return exchange.query.get('as') === 'record'
      ? sendOutcomeRecord(res, outcome)
      : sendOutcome(res, outcome);
  }
  if (outcome === 'erased') return sendErased(res);
  sendProblem(res, createProblem('not-found', outcome === 'altered' ? altered : whyNone(deferral)));
}

/** Whether it did: its caller goes on waiting, and a route that left no answer has none to show. */
async function sendLastOfParked(exchange: Exchange, found: Found): Promise<boolean> {
  const { deferral, sight } = found;
  if (deferral.phase !== 'parked' || !sight.byScope || exchange.query.get('as') !== 'record') return false;
  const outcome = await keptOutcome(exchange, found);
  if (typeof outcome !== 'object') return false;
  await recordReveal(exchange, found);
  exchange.res.setHeader(headerNames.outcome, 'pending');
  sendOutcomeRecord(exchange.res, outcome);
  return true;
}

const altered = 'The outcome that is kept is not the one whose digest is in the ledger: it is not shown.';

/** To whom it belongs it is no secret. */
async function recordReveal(exchange: Exchange, { ledger, deferral, sight }: Found): Promise<void> {
  if (!sight.byScope || (await isItsRequester(exchange, ledger, deferral))) return;
  await ledger.revealOutcome(deferral.id, { by: bearerOf(exchange), purpose: purposeOf(exchange) });
}

async function keptOutcome(
  { parts }: Exchange,
  { ledger, deferral }: Found,
): Promise<Outcome | 'none' | 'altered' | 'erased'> {
  try {
    return (await ledger.outcome(deferral.id)) ?? 'none';
  } catch (error) {
    if (isSlackwaterError(error) && error.code === 'requester-erased') return 'erased';
    if (!isSlackwaterError(error) || error.code !== 'record-corrupt') throw error;
    tellTrouble(parts, 'reading an outcome', error);
    return 'altered';
  }
}

function whyNone({ status, outcomeKnown, error }: Deferral): string {
  if (status === 'Canceled') return 'The deferral was canceled before it was performed: there is no outcome.';
  if (outcomeKnown === false) return "The work is done; the route's answer is not known.";
  if (status === 'Failed' && error?.code !== 'route-refused') {
    return 'The deferral failed without an answer of the route, or that is no longer kept; its resource says why.';
  }
  return "The route's answer is no longer kept.";
}
