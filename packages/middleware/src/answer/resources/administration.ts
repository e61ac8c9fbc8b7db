import { sendJson, sendNotFound } from '../send.ts';
import { hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';

/** `GET /partitions`: the latency table, which routes were seen to commit where, and what shadow mode came to. */
export async function getPartitions(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  if (!hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  const { partitions, learnedRoutes, shadow } = parts;
  sendJson(
    res,
    200,
    {},
    {
      partitions: partitions(),
      learnedRoutes: learnedRoutes(),
      shadow: shadow(),
    },
  );
}
