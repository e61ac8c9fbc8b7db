import { sendJson, sendNotFound } from '../send.ts';
import { hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';

/** `GET /deferrals/groups`: the resource groups, the home group first, and how each does. */
export async function getGroups(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  const { records } = parts;
  if (records === undefined || !hasScope(exchange, 'audit:read')) return sendNotFound(res);
  const groups = records.map(({ home, isPublic, status }) => ({
    ...home,
    status: status(),
    ledgerIsPublic: isPublic,
  }));
  sendJson(res, 200, {}, { groups });
}
