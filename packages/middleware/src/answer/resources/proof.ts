import { sendAnswer, sendJson, sendNotFound } from '../send.ts';
import type { Exchange } from './exchange.ts';
import { findDeferral } from './find-deferral.ts';

/** `GET /deferrals/:id/record`: the first record, as the bytes that are in the ledger say it, and the salt of its digest. */
export async function getRecord(exchange: Exchange): Promise<void> {
  const { res } = exchange;
  const found = await findDeferral(exchange, 'audit:read');
  if (found === undefined) return sendNotFound(res);
  const { id, position, salt } = found.deferral;
  const { entry } = await found.ledger.proof(id);
  sendJson(res, 200, {}, { id, position, entry: Buffer.from(entry).toString('utf8'), salt });
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
