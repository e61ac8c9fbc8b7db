import { createProblem } from '@slackwater/shared';
import type { IndexedDeferral, IndexPage, IndexQuery } from '../../audit/index/contract.ts';
import { deferralUrls, portionOf } from '../deferral-resource.ts';
import { exposeHeaders, sendJson, sendNotFound, sendProblem } from '../send.ts';
import { hasScope } from './access.ts';
import { askedGroup, homesOf } from './asked-group.ts';
import type { Records } from './contract.ts';
import { drained } from './drained.ts';
import type { Exchange } from './exchange.ts';
import { baseUrl } from './find-deferral.ts';
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
  const defaultLimit = asLines ? resourceLimits.pageMost : resourceLimits.pageDefault;
  const parsed = parseListQuery(params, defaultLimit, homesOf(records));
  if (parsed.kind === 'fault') return sendProblem(res, createProblem('parameter-invalid', parsed.detail));
  const group = askedGroup(records, params);
  const first = await group.audit.list(parsed.query);
  if (asLines) return exportLines(exchange, group, first, parsed.query);
  const { deferrals, next, entries } = first;
  const rows = deferrals.map((deferral) => rowOf(exchange, group, deferral));
  sendJson(res, 200, {}, { deferrals: rows, ...(next === undefined ? {} : { next }), entries });
}

/** What the ledger's entries say of it, as the deferral resource would; its proof is that one's. */
function rowOf(
  exchange: Exchange,
  { home }: Pick<Records, 'home'>,
  deferral: IndexedDeferral,
): Record<string, unknown> {
  const { application, group, durable } = home;
  const { outcomeKnown, error, corrupt, createdAt, updatedAt, ...said } = deferral;
  return {
    ...said,
    application,
    group,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    ...portionOf(deferral),
    durable,
    ...(outcomeKnown === undefined ? {} : { outcomeKnown }),
    ...(error === undefined ? {} : { error: { code: error } }),
    ...(corrupt ? { corrupt } : {}),
    resourceLocation: deferralUrls(baseUrl(exchange), deferral.id).outcome,
  };
}

/** Page by page, at the pace of its reader. Where a page can't be read the connection is cut, so that nobody takes the part for the whole. */
async function exportLines(
  exchange: Exchange,
  records: Records,
  first: IndexPage,
  query: IndexQuery,
): Promise<void> {
  const { req, res, heldOpen } = exchange;
  const leave = heldOpen.enter();
  if (leave === undefined) return sendBusy(res);
  try {
    beginLines(exchange);
    for (let page = first; ; ) {
      const lines = page.deferrals.map(
        (deferral) => `${JSON.stringify(rowOf(exchange, records, deferral))}\n`,
      );
      if (lines.length > 0) res.write(lines.join(''));
      if (page.next === undefined || req.method === 'HEAD') break;
      await drained(res);
      if (res.destroyed) return;
      page = await records.audit.list({ ...query, cursor: page.next });
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
