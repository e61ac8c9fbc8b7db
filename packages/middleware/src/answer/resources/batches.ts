import { sendJson, sendNotFound } from '../send.ts';
import { hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';

/** `GET /batches`: how each batch of the gate stands, as far as this host knows. */
export async function getBatches(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  if (!hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  sendJson(res, 200, {}, { batches: parts.batches() });
}
