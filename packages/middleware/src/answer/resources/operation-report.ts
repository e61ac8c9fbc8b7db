import { createProblem } from '@slackwater/shared';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { bearerOf, hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';
import { firstWith } from './locate-deferral.ts';
import { isDeferralId } from './match-path.ts';
import { purposeOf } from './proof.ts';

/**
 * `GET /operations/:id`: what the ledger has of a run, by its id or its deferral's, for auditors. With `reveal=values`, which needs `audit:reveal` and a `purpose`, what
 * tasks took and gave, and what they threw, once that is recorded.
 */
export async function getOperation(exchange: Exchange): Promise<void> {
  const { parts, req, res, params, query } = exchange;
  const { records } = parts;
  const id = params['id'] ?? '';
  const wanted = query.getAll('reveal');
  const isRevealing = wanted.length > 0;
  const isAllowed = hasScope(exchange, isRevealing ? 'audit:reveal' : 'audit:read');
  if (records === undefined || !isAllowed || !isDeferralId(id)) return sendNotFound(res);
  if (isRevealing && (wanted.length > 1 || wanted[0] !== 'values' || req.method === 'HEAD')) {
    const detail = 'reveal: ask by GET for "values", once; that shows all values of the run.';
    return sendProblem(res, createProblem('parameter-invalid', detail));
  }
  const located = await firstWith(records, id, ({ runs }) => runs.report(id));
  if (located === undefined) return sendNotFound(res);
  const asked = { by: bearerOf(exchange), purpose: purposeOf(exchange) };
  const report = isRevealing ? await located.group.runs.report(id, asked) : located.found;
  if (report === undefined) return sendNotFound(res);
  sendJson(res, 200, {}, report);
}
