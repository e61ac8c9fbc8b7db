import type { ServerResponse } from 'node:http';
import { canonicalJson, headerNames } from '@slackwater/shared';
import type { Outcome } from '../../ledger/deferral.ts';
import { exposeHeaders, sendAnswer } from '../send.ts';

/** Fields of another connection, another length, or another browser; and the one that only the gate may say. */
const neverSent = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'set-cookie',
  'slackwater-outcome',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Answers that have no body, nor a length of one (RFC 9110, section 8.6). */
const bodiless = new Set([204, 304]);

/**
 * Sends a route's own answer: its status, headers and body. No cache may keep it unless the route allowed that. Where
 * this response has CORS headers already they stand, for those of the route were for whoever asked first.
 */
export function sendOutcome(res: ServerResponse, { status, headers, body }: Outcome): void {
  if (res.headersSent || res.destroyed) return;
  res.statusCode = status;
  res.setHeader(headerNames.cacheControl, 'no-store');
  const ownCors = res.hasHeader('Access-Control-Allow-Origin');
  for (const [name, values] of grouped(headers)) {
    if (neverSent.has(name) || (ownCors && name.startsWith('access-control-'))) continue;
    res.setHeader(name, values.length === 1 ? (values[0] ?? '') : values);
  }
  res.setHeader(headerNames.outcome, 'final');
  exposeHeaders(res);
  if (bodiless.has(status)) {
    res.end();
    return;
  }
  res.setHeader('Content-Length', body.byteLength);
  res.end(body);
}

/** Sends the bytes of an outcome as they are kept: with the salt they have the digest that is in the ledger. */
export function sendOutcomeRecord(res: ServerResponse, { status, headers, body }: Outcome): void {
  const record = canonicalJson({ body: Buffer.from(body).toString('base64'), headers, status });
  sendAnswer(res, 200, {}, { contentType: 'application/json; charset=utf-8', body: record });
}

function grouped(headers: Outcome['headers']): ReadonlyMap<string, readonly string[]> {
  const byName = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const values = byName.get(name);
    if (values === undefined) byName.set(name, [value]);
    else values.push(value);
  }
  return byName;
}
