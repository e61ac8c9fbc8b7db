import type { ServerResponse } from 'node:http';
import type { Clock } from '../../clock.ts';
import { exposeHeaders } from '../send.ts';
import { drained } from './drained.ts';
import { closedSignal, type Exchange } from './exchange.ts';
import { type Found, resourceOf } from './find-deferral.ts';
import { resourceLimits } from './limits.ts';
import { isSettled } from './pace.ts';
import { watchDeferral } from './watch-deferral.ts';

const settledEvent = /-settled$/;

/**
 * Sends the deferral resource as an event stream (the HTML standard's server-sent events), now and at each change,
 * until it is settled. Where there is no room to hold the request open, the stream ends after the first event, and its
 * reader comes back. A reader that comes back after the last event gets 204, by which it knows not to.
 */
export async function streamDeferral(exchange: Exchange, found: Found): Promise<void> {
  const { parts, req, res, heldOpen } = exchange;
  if (settledEvent.test(String(req.headers['last-event-id'] ?? '')) && isSettled(found.deferral)) {
    return endWithout(res);
  }
  const first = await eventOf(exchange, found);
  const closed = closedSignal(res);
  if (!beginStream(res)) return;
  if (req.method === 'HEAD') return void res.end();
  res.write(`retry: ${Math.ceil(parts.pollAfterMs(found.deferral.partition))}\n${first}`);
  const leave = isSettled(found.deferral) ? undefined : heldOpen.enter();
  const heartbeat = leave && startHeartbeat(parts.clock, res);
  try {
    if (leave === undefined) return;
    for await (const deferral of watchDeferral(parts.clock, found, resourceLimits.streamMs, closed)) {
      res.write(await eventOf(exchange, { ...found, deferral }));
      await drained(res);
    }
  } finally {
    heartbeat?.();
    leave?.();
    res.end();
  }
}

async function eventOf(exchange: Exchange, found: Found): Promise<string> {
  const { updatedAt, attempts, postponements, phase } = found.deferral;
  const id = [updatedAt, attempts, postponements, phase].join('-');
  return `id: ${id}\ndata: ${JSON.stringify(await resourceOf(exchange, found))}\n\n`;
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
