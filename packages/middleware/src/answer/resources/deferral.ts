import { createProblem, headerNames, parsePrefer } from '@slackwater/shared';
import { inTime } from '../../in-time.ts';
import type { Deferral } from '../../ledger/deferral.ts';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { closedSignal, type Exchange } from './exchange.ts';
import { type Found, findDeferral, resourceOf } from './find-deferral.ts';
import { resourceLimits } from './limits.ts';
import { isSettled, paceOf } from './pace.ts';
import { streamDeferral } from './stream-deferral.ts';
import { watchDeferral } from './watch-deferral.ts';

/** `GET /deferrals/:id`: at once, after `Prefer: wait=N` or its being settled, or as an event stream. */
export async function getDeferral(exchange: Exchange): Promise<void> {
  const { parts, req, res } = exchange;
  const found = await findDeferral(exchange, 'audit:read');
  if (found === undefined) return sendNotFound(res);
  if (req.accepts(['application/json', 'text/event-stream']) === 'text/event-stream') {
    return streamDeferral(exchange, found);
  }
  const { deferral, headers } = await waited(exchange, found);
  if (res.destroyed) return;
  const resource = await resourceOf(exchange, { ...found, deferral });
  sendJson(res, 200, { ...paceOf(parts, resource), ...headers }, resource);
}

/** `DELETE /deferrals/:id`: cancels it, or says that it is too late. */
export async function deleteDeferral(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  const found = await findDeferral(exchange, 'admin');
  if (found === undefined) return sendNotFound(res);
  const { records, ledger } = found;
  const { id } = found.deferral;
  const result = await inTime(parts.clock, resourceLimits.cancelMs, 'Canceling', records.cancel(id));
  const deferral = (await ledger.find(id)) ?? found.deferral;
  if (result === 'not-cancelable') {
    const detail = `The deferral is ${deferral.status} (${deferral.phase}): it can't be canceled any more.`;
    return sendProblem(res, createProblem('not-cancelable', detail));
  }
  const resource = await resourceOf(exchange, { ...found, deferral });
  if (result === 'canceling') sendJson(res, 202, paceOf(parts, resource), resource);
  else sendJson(res, 200, {}, resource);
}

interface Waited {
  readonly deferral: Deferral;
  readonly headers: Readonly<Record<string, string>>;
}

/** Waits as long as the caller prefers, where there is room to; else the preference is not honoured. */
async function waited({ parts, req, res, heldOpen }: Exchange, found: Found): Promise<Waited> {
  const { deferral } = found;
  const seconds = Math.min(
    parsePrefer(req.headers['prefer']).waitSeconds ?? 0,
    resourceLimits.waitMs / 1_000,
  );
  const leave = seconds > 0 && !isSettled(deferral) ? heldOpen.enter() : undefined;
  if (leave === undefined) return { deferral, headers: {} };
  try {
    let latest = deferral;
    const watched = watchDeferral(parts.clock, found, seconds * 1_000, closedSignal(res));
    for await (const changed of watched) latest = changed.deferral;
    return { deferral: latest, headers: { [headerNames.preferenceApplied]: `wait=${seconds}` } };
  } finally {
    leave();
  }
}
