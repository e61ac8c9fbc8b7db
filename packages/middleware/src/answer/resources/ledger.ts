import type { Ledger } from '../../ledger/open-ledger.ts';
import { sendAnswer, sendNotFound } from '../send.ts';
import { hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';
import { openedLedger } from './find-deferral.ts';

const height = /^(?:0|[1-9][0-9]{0,14})$/;

/** `GET /ledger/:group/checkpoint`: the signed head (C2SP tlog-checkpoint). */
export async function getCheckpoint(exchange: Exchange): Promise<void> {
  const ledger = await readableLedger(exchange);
  if (ledger === undefined) return sendNotFound(exchange.res);
  const body = await ledger.checkpoint();
  sendAnswer(exchange.res, 200, {}, { contentType: 'text/plain; charset=utf-8', body });
}

/** `GET /ledger/:group/blocks/:height`: a sealed block, byte for byte as its hash is taken over it. */
export async function getBlock(exchange: Exchange): Promise<void> {
  const { res, params } = exchange;
  const wanted = params['height'] ?? '';
  const ledger = height.test(wanted) ? await readableLedger(exchange) : undefined;
  const body = await ledger?.block(Number(wanted));
  if (body === undefined) return sendNotFound(res);
  sendAnswer(res, 200, {}, { contentType: 'application/json; charset=utf-8', body });
}

/** The ledger of the group in the path, where it may be read: entries are salted, so anybody may unless the owner says no. */
async function readableLedger(exchange: Exchange): Promise<Ledger | undefined> {
  const { parts, params } = exchange;
  const { records } = parts;
  if (records === undefined || params['group'] !== parts.home.group) return undefined;
  if (!parts.ledgerIsPublic && !hasScope(exchange, 'audit:read')) return undefined;
  return openedLedger(parts, records);
}
