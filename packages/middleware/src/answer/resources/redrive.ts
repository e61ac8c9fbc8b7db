import { createProblem } from '@slackwater/shared';
import type { IndexedDeferral, IndexQuery } from '../../audit/index/contract.ts';
import { inTime } from '../../in-time.ts';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { bearerOf, hasScope } from './access.ts';
import { askedGroup, homesOf } from './asked-group.ts';
import type { Records } from './contract.ts';
import type { Exchange } from './exchange.ts';
import { findDeferral, resourceOf } from './find-deferral.ts';
import { resourceLimits } from './limits.ts';
import { parseListQuery } from './list-query.ts';

const parked = 'parked';
/** Parameters of a redrive that a list does not have. */
const own = ['error', 'dryRun', 'repeat'] as const;
/** So many rows are looked through for those of an error. */
const mostLookedAt = 10_000;

/** `POST /deferrals/:id/redrive`: puts a parked deferral back on its queue, for administrators. */
export async function redriveOne(exchange: Exchange): Promise<void> {
  const { parts, res, query } = exchange;
  if (!hasScope(exchange, 'admin')) return sendNotFound(res);
  const found = await findDeferral(exchange, 'admin');
  if (found === undefined) return sendNotFound(res);
  const repeat = flagIn(query, 'repeat');
  if (repeat === undefined) return sendFault(exchange, flagFault('repeat'));
  const { records, ledger } = found;
  const { id } = found.deferral;
  const asked = records.redrive(id, { by: bearerOf(exchange), repeat });
  const result = await inTime(parts.clock, resourceLimits.cancelMs, 'Redriving', asked);
  const deferral = (await ledger.find(id)) ?? found.deferral;
  if (result === 'not-redrivable') {
    const detail = `The deferral is ${deferral.status} (${deferral.phase}): only what is parked can be redriven.`;
    return sendProblem(res, createProblem('not-redrivable', detail));
  }
  sendJson(res, 202, {}, await resourceOf(exchange, { ...found, deferral }));
}

/**
 * `POST /deferrals/redrive`: the same for all parked ones that the filters of a list admit, up to `limit`, the newest first. `error` names
 * the code that they were parked with; with `dryRun=true` they are counted and left alone.
 */
export async function redriveMany(exchange: Exchange): Promise<void> {
  const { parts, res, query } = exchange;
  const { records } = parts;
  if (records === undefined || !hasScope(exchange, 'admin')) return sendNotFound(res);
  const wish = wishIn(query);
  if (typeof wish === 'string') return sendFault(exchange, wish);
  const filters = new URLSearchParams([...query].filter(([name]) => !own.some((known) => known === name)));
  const parsed = parseListQuery(filters, resourceLimits.pageDefault, homesOf(records));
  if (parsed.kind === 'fault') return sendFault(exchange, parsed.detail);
  if ((parsed.query.phase ?? parked) !== parked) {
    return sendFault(exchange, 'phase: only what is parked can be redriven; leave it out.');
  }
  const group = askedGroup(records, filters);
  const { matched, more } = await matching(group, parsed.query, wish.error);
  const counts = wish.dryRun
    ? { redriven: 0, skipped: 0 }
    : await redriveAll(exchange, group, matched, wish.repeat);
  const by = tallied(matched);
  const { dryRun } = wish;
  sendJson(res, dryRun ? 200 : 202, {}, { dryRun, matched: matched.length, ...counts, errors: by, more });
}

interface Wish {
  readonly error: string | undefined;
  readonly dryRun: boolean;
  readonly repeat: boolean;
}

/** What is wished, or what is wrong with it. */
function wishIn(query: URLSearchParams): Wish | string {
  const [dryRun, repeat] = [flagIn(query, 'dryRun'), flagIn(query, 'repeat')];
  if (dryRun === undefined) return flagFault('dryRun');
  if (repeat === undefined) return flagFault('repeat');
  const [error, another] = query.getAll('error');
  if (another !== undefined) return 'error is given more than once; give one code.';
  if (error !== undefined && !/^[a-z-]{1,100}$/.test(error)) {
    return 'error: give the code that they were parked with, such as route-missing.';
  }
  return { error, dryRun, repeat };
}

function flagIn(query: URLSearchParams, name: string): boolean | undefined {
  const [value = 'false', another] = query.getAll(name);
  if (another !== undefined) return undefined;
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

function flagFault(name: string): string {
  return `${name}: give true or false, once.`;
}

function sendFault({ res }: Exchange, detail: string): void {
  sendProblem(res, createProblem('parameter-invalid', detail));
}

async function matching(
  group: Records,
  query: IndexQuery,
  error: string | undefined,
): Promise<{ readonly matched: readonly IndexedDeferral[]; readonly more: boolean }> {
  const matched: IndexedDeferral[] = [];
  let { cursor } = query;
  for (let looked = 0; looked < mostLookedAt; ) {
    const page = await group.audit.list({
      ...query,
      phase: parked,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const deferral of page.deferrals) {
      if (error !== undefined && deferral.error !== error) continue;
      if (matched.length === query.limit) return { matched, more: true };
      matched.push(deferral);
    }
    if (page.next === undefined) return { matched, more: false };
    looked += Math.max(1, page.deferrals.length);
    cursor = page.next;
  }
  return { matched, more: true };
}

async function redriveAll(
  exchange: Exchange,
  group: Records,
  matched: readonly IndexedDeferral[],
  repeat: boolean,
): Promise<{ readonly redriven: number; readonly skipped: number }> {
  const by = bearerOf(exchange);
  let redriven = 0;
  // In the order of the ledger, so that what came first is tried first. Who is gone has asked for it all the same.
  for (const { id } of matched.toReversed()) {
    if ((await group.redrive(id, { by, repeat })) === 'redriven') redriven += 1;
  }
  return { redriven, skipped: matched.length - redriven };
}

function tallied(matched: readonly IndexedDeferral[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { error = 'unknown' } of matched) counts.set(error, (counts.get(error) ?? 0) + 1);
  return Object.fromEntries(counts);
}
