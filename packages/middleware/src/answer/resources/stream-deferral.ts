import type { ServerResponse } from 'node:http';
import type { DeferralResource } from '@slackwater/shared';
import type { Clock } from '../../clock.ts';
import type { Deferral } from '../../ledger/deferral.ts';
import { exposeHeaders } from '../send.ts';
import { drained } from './drained.ts';
import { closedSignal, type Exchange } from './exchange.ts';
import { type Found, resourceOf } from './find-deferral.ts';
import { resourceLimits } from './limits.ts';
import { isOver } from './pace.ts';
import { watchToTheEnd } from './watch-deferral.ts';

const settledEvent = /-settled$/;

/**
 * Sends the deferral resource as an event stream (the HTML standard's server-sent events), now and at each change,
 * until it is settled, and where success had been told and it came to nothing, undone. Where there is no room to hold the request open, the stream ends after the first event, and its
 * reader comes back. A reader that comes back after the last event gets 204, by which it knows not to.
 */
export async function streamDeferral(exchange: Exchange, found: Found): Promise<void> {
  const { parts, req, res, heldOpen } = exchange;
  const resource = await resourceOf(exchange, found);
  if (settledEvent.test(String(req.headers['last-event-id'] ?? '')) && isOver(resource)) {
    return endWithout(res);
  }
  const first = eventOf(found.deferral, resource);
  const closed = closedSignal(res);
  if (!beginStream(res)) return;
  if (req.method === 'HEAD') return void res.end();
  res.write(`retry: ${Math.ceil(parts.pollAfterMs(found.deferral.partition))}\n${first}`);
  const leave = isOver(resource) ? undefined : heldOpen.enter();
  const heartbeat = leave && startHeartbeat(parts.clock, res);
  try {
    if (leave === undefined) return;
    const watched = { ...found, progress: resource.operation };
    for await (const now of watchToTheEnd(parts.clock, watched, resourceLimits.streamMs, closed)) {
      res.write(eventOf(now.deferral, await resourceOf(exchange, { ...found, ...now })));
      await drained(res);
    }
  } finally {
    heartbeat?.();
    leave?.();
    res.end();
  }
}

function eventOf(
  { updatedAt, attempts, postponements, phase }: Deferral,
  resource: DeferralResource,
): string {
  const undoing = phase === 'settled' && !isOver(resource) ? [resource.reversal?.phase] : [];
  const ran = resource.operation === undefined ? [] : [Date.parse(resource.operation.updatedAt)];
  const id = [updatedAt, attempts, postponements, ...ran, phase, ...undoing].join('-');
  return `id: ${id}\ndata: ${JSON.stringify(resource)}\n\n`;
}

function beginStream(res: ServerResponse): boolean {
  if (res.headersSent || res.destroyed) return false;
  res.statusCode = 200;
  res.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  // no-transform: middleware that compresses would hold events back.
  res.setHeader('Cache-Control', 'no-store, no-transform');
  res.setHeader('X-Accel-Buffering', 'no');
  exposeHeaders(res);
  res.flushHeaders();
  return true;
}

function endWithout(res: ServerResponse): void {
  if (res.headersSent || res.destroyed) return;
  res.statusCode = 204;
  res.setHeader('Cache-Control', 'no-store');
  res.end();
}

/** Comments, by which dead connections are noticed. Returns how to end them. */
function startHeartbeat(clock: Clock, res: ServerResponse): () => void {
  let timer = clock.after(resourceLimits.heartbeatMs, beat);
  function beat(): void {
    if (!res.destroyed && !res.writableNeedDrain) res.write(':\n\n');
    timer = clock.after(resourceLimits.heartbeatMs, beat);
  }
  return () => timer.cancel();
}
