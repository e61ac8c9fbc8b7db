import { createProblem } from '@slackwater/shared';
import { sendAnswer, sendJson, sendNotFound, sendProblem } from '../send.ts';
import { bearerOf, hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';
import { findDeferral } from './find-deferral.ts';

/**
 * `GET /deferrals/:id/record`: the first record, as the bytes that are in the ledger say it, and the salt of its digest. With
 * `reveal`, which needs `audit:reveal` and a `purpose`, the named parameters in plain text, once that is recorded.
 */
export async function getRecord(exchange: Exchange): Promise<void> {
  const { res, req, query } = exchange;
  const wanted = query.getAll('reveal');
  const isRevealing = wanted.length > 0;
  if (isRevealing && !hasScope(exchange, 'audit:reveal')) return sendNotFound(res);
  const found = await findDeferral(exchange, isRevealing ? 'audit:reveal' : 'audit:read');
  if (found === undefined) return sendNotFound(res);
  if (isRevealing && req.method === 'HEAD') {
    const detail = 'reveal: a HEAD shows nothing, so nothing is revealed to it; ask by GET.';
    return sendProblem(res, createProblem('parameter-invalid', detail));
  }
  const { ledger, deferral } = found;
  const { id, position, salt } = deferral;
  const { entry } = await ledger.proof(id);
  const record = { id, position, entry: Buffer.from(entry).toString('utf8'), salt };
  if (!isRevealing) return sendJson(res, 200, {}, record);
  const purpose = purposeOf(exchange);
  const revealed = await ledger.reveal(id, { parameters: wanted, by: bearerOf(exchange), purpose });
  sendJson(res, 200, {}, { ...record, revealed });
}

/** What something is revealed for; empty, which the ledger refuses, where that is not said, or said twice. */
export function purposeOf({ query }: Pick<Exchange, 'query'>): string {
  const [purpose = '', another] = query.getAll('purpose');
  return another === undefined ? purpose : '';
}

/** `GET /deferrals/:id/receipt`: a fresh receipt (C2SP tlog-proof), as its text or, with the entry, as JSON. */
export async function getReceipt(exchange: Exchange): Promise<void> {
  const { req, res } = exchange;
  const found = await findDeferral(exchange, 'audit:read');
  if (found === undefined) return sendNotFound(res);
  const { entry, receipt } = await found.ledger.proof(found.deferral.id);
  if (req.accepts(['text/plain', 'application/json']) === 'application/json') {
    return sendJson(res, 200, {}, { receipt, entry: Buffer.from(entry).toString('base64') });
  }
  sendAnswer(res, 200, {}, { contentType: 'text/plain; charset=utf-8', body: receipt });
}
