import { createProblem } from '@slackwater/shared';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { hasScope } from './access.ts';
import { askedGroup, homesOf } from './asked-group.ts';
import type { Exchange } from './exchange.ts';
import { parseCountQuery } from './list-query.ts';

/** `GET /deferrals/counts`: how many deferrals there are, by one dimension or several. */
export async function getDeferralCounts(exchange: Exchange): Promise<void> {
  const { parts, res, query: params } = exchange;
  const { records } = parts;
  if (records === undefined || !hasScope(exchange, 'audit:read')) return sendNotFound(res);
  const parsed = parseCountQuery(params, homesOf(records));
  if (parsed.kind === 'fault') return sendProblem(res, createProblem('parameter-invalid', parsed.detail));
  const { counts, next, entries } = await askedGroup(records, params).audit.counts(parsed.query);
  const { by } = parsed.query;
  sendJson(res, 200, {}, { by, counts, ...(next === undefined ? {} : { next }), entries });
}
