import { createProblem } from '@slackwater/shared';
import type { Deferral, DeferralQuery } from '../../ledger/deferral.ts';
import type { Ledger } from '../../ledger/open-ledger.ts';
import { deferralResource, deferralUrls } from '../deferral-resource.ts';
import { exposeHeaders, sendJson, sendNotFound, sendProblem } from '../send.ts';
import { hasScope } from './access.ts';
import type { Records } from './contract.ts';
import { drained } from './drained.ts';
import type { Exchange } from './exchange.ts';
import { baseUrl, openedLedger } from './find-deferral.ts';
import { resourceLimits } from './limits.ts';
import { parseListQuery } from './list-query.ts';
import { sendBusy } from './trouble.ts';

const ndjson = 'application/x-ndjson';

/** `GET /deferrals`: one page as JSON, or everything from `cursor` on as lines of JSON. */
export async function getDeferrals(exchange: Exchange): Promise<void> {
  const { parts, req, res, query: params } = exchange;
  const { records } = parts;
  if (records === undefined || !hasScope(exchange, 'audit:read')) return sendNotFound(res);
  const asLines = req.accepts(['application/json', ndjson]) === ndjson;
  const parsed = parseListQuery(params, asLines ? resourceLimits.pageMost : resourceLimits.pageDefault);
  if (parsed.kind === 'fault') return sendProblem(res, createProblem('parameter-invalid', parsed.detail));
  const ledger = await openedLedger(parts, records);
  if (asLines) return exportLines(exchange, records, ledger, parsed.query);
  const { deferrals, next } = await ledger.list(parsed.query);
  const rows = deferrals.map((deferral) => rowOf(exchange, records, deferral));
  sendJson(res, 200, {}, { deferrals: rows, ...(next === undefined ? {} : { next }) });
}

/** The resource without its proof, which each would have to be computed for, and with what an auditor sorts by. */
function rowOf(exchange: Exchange, records: Records, deferral: Deferral): Record<string, unknown> {
  const home = { ...exchange.parts.home, durable: records.durable };
  const urls = deferralUrls(baseUrl(exchange), deferral.id);
  const none = { entry: new Uint8Array(), receipt: '' };
  const { receipt, entry, salt, ...row } = deferralResource(home, deferral, none, urls);
  const { method, route, requester, position } = deferral;
  return { ...row, method, route, requester, position };
}

/** Page by page, at the pace of its reader. Where a page can't be read the connection is cut, so that nobody takes the part for the whole. */
async function exportLines(
  exchange: Exchange,
  records: Records,
  ledger: Ledger,
  query: DeferralQuery,
): Promise<void> {
  const { req, res, heldOpen } = exchange;
  const leave = heldOpen.enter();
  if (leave === undefined) return sendBusy(res);
  try {
    for (let cursor = query.cursor, begun = false; ; begun = true) {
      const page = await ledger.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
      if (res.destroyed) return;
      if (!begun) beginLines(exchange);
      const lines = page.deferrals.map(
        (deferral) => `${JSON.stringify(rowOf(exchange, records, deferral))}\n`,
      );
      if (lines.length > 0) res.write(lines.join(''));
      if (page.next === undefined || req.method === 'HEAD') break;
      cursor = page.next;
      await drained(res);
    }
    res.end();
  } finally {
    leave();
  }
}

function beginLines({ res }: Exchange): void {
  res.statusCode = 200;
  res.setHeader('Content-Type', `${ndjson}; charset=utf-8`);
  res.setHeader('Cache-Control', 'no-store');
  exposeHeaders(res);
}
