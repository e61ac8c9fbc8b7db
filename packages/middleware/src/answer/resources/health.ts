import { inTime } from '../../in-time.ts';
import { sendJson } from '../send.ts';
import type { BatchRow, Health } from './contract.ts';
import type { Exchange } from './exchange.ts';
import { resourceLimits } from './limits.ts';
import { tellTrouble } from './trouble.ts';

/** `GET /health`: 200 where requests may be sent here, 503 where not yet. */
export async function getHealth({ parts, res }: Exchange): Promise<void> {
  const asking = (async () => parts.health())();
  const { status, details } = await inTime(parts.clock, resourceLimits.askMs, 'health', asking).catch(
    (error: unknown): Health => {
      // Whatever keeps it from saying how it is: requests are let through all the same.
      tellTrouble(parts, 'asking for its health', error);
      return { status: 'degraded', details: {} };
    },
  );
  const batches = byState(parts.batches());
  sendJson(res, status === 'starting' ? 503 : 200, {}, { ...details, ...batches, status });
}

/** How many batches are in each state; nothing where there are none. */
function byState(rows: readonly BatchRow[]): { readonly batches?: Readonly<Record<string, number>> } {
  const batches: Record<string, number> = {};
  for (const { state } of rows) batches[state] = (batches[state] ?? 0) + 1;
  return rows.length === 0 ? {} : { batches };
}

/** How a resource group does: whether its ledger is open, and what has gone wrong with it. */
export function healthOfLedger(
  ledger: { readonly stopped: unknown } | undefined,
  openingFailed: boolean,
): Health['status'] {
  if (ledger?.stopped !== undefined || openingFailed) return 'degraded';
  return ledger === undefined ? 'starting' : 'ready';
}

/** How a gate does with these groups: not yet where one of them is still starting, else as the worst of them. */
export function healthOfGroups(groups: readonly Health['status'][]): Health['status'] {
  if (groups.includes('starting')) return 'starting';
  return groups.includes('degraded') ? 'degraded' : 'ready';
}
