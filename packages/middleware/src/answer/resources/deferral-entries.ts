import { sendJson, sendNotFound } from '../send.ts';
import { hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';
import { findDeferral, openedLedger } from './find-deferral.ts';
import { firstWith } from './locate-deferral.ts';
import { isDeferralId } from './match-path.ts';

/** Runs of operations may have far more. */
const mostEntries = 1_000;

/**
 * `GET /deferrals/:id/entries`: every entry of the ledger about it, as its text there, in their order. For auditors also when the
 * deferral itself is no longer shown. Who has looked at it is shown to auditors alone.
 */
export async function getEntries(exchange: Exchange): Promise<void> {
  const { parts, res, params } = exchange;
  const { records } = parts;
  const id = params['id'] ?? '';
  if (records === undefined || !isDeferralId(id)) return sendNotFound(res);
  const isAuditor = hasScope(exchange, 'audit:read');
  if (!isAuditor && (await findDeferral(exchange, 'audit:read')) === undefined) return sendNotFound(res);
  const located = await firstWith(records, id, async ({ audit }) => {
    const positions = await audit.entriesOf(id);
    return positions.length === 0 ? undefined : positions;
  });
  if (located === undefined) return sendNotFound(res);
  const ledger = await openedLedger(parts, located.group);
  const all = await ledger.entriesAt(located.found.slice(0, mostEntries));
  const shown = all.filter(({ type }) => isAuditor || type !== 'revealed');
  sendJson(
    res,
    200,
    {},
    {
      id,
      entries: shown.map(({ position, bytes }) => ({ position, entry: Buffer.from(bytes).toString('utf8') })),
    },
  );
}
