import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { parseTilePath } from '@slackwater/shared';
import type { Ledger } from '../../ledger/open-ledger.ts';
import { sendAnswer, sendJson, sendNotFound } from '../send.ts';
import { hasScope } from './access.ts';
import type { Records } from './contract.ts';
import type { Exchange } from './exchange.ts';
import { openedLedger } from './find-deferral.ts';

const compressed = promisify(gzip);
/** A year, as long as caches are asked to keep anything. */
const keptForGood = 'max-age=31536000, immutable';
const height = /^(?:0|[1-9][0-9]{0,14})$/;

/** `GET /ledger/:group/checkpoint`: the signed head (C2SP tlog-checkpoint). */
export async function getCheckpoint(exchange: Exchange): Promise<void> {
  const ledger = await readableLedger(exchange);
  if (ledger === undefined) return sendNotFound(exchange.res);
  const body = await ledger.checkpoint();
  sendAnswer(exchange.res, 200, {}, { contentType: 'text/plain; charset=utf-8', body });
}

/**
 * `GET /ledger/:group/rotations`: the notes by which each signing key was followed by the next, as in a receipt's `extra`. Whoever knows the first
 * verifier key needs them for a checkpoint where entries are not to be had.
 */
export async function getRotations(exchange: Exchange): Promise<void> {
  const ledger = await readableLedger(exchange);
  if (ledger === undefined) return sendNotFound(exchange.res);
  sendJson(exchange.res, 200, {}, { rotations: await ledger.rotations() });
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

/**
 * `GET /ledger/:group/tile/<level>/<index>[.p/<width>]`, a hash tile, and `.../tile/entries/<index>[.p/<width>]`, a bundle of entries
 * (C2SP tlog-tiles). Entries are for auditors. Neither ever changes, so that those who may have it may keep it.
 */
export async function getTile(exchange: Exchange): Promise<void> {
  const { req, res, params } = exchange;
  const name = parseTilePath(`tile/${params['tile']}`);
  const isOpen = name !== undefined && (name.level !== 'entries' || hasScope(exchange, 'audit:read'));
  const ledger = isOpen ? await readableLedger(exchange) : undefined;
  const tile = name && (await ledger?.tile(name));
  if (tile === undefined) return sendNotFound(res);
  const isPublic = recordsOf(exchange)?.isPublic === true && name?.level !== 'entries';
  const headers = { 'Cache-Control': `${isPublic ? 'public' : 'private'}, ${keptForGood}` };
  if (!isPublic) res.appendHeader('Vary', 'Authorization');
  const contentType = 'application/octet-stream';
  if (name?.level !== 'entries') return sendAnswer(res, 200, headers, { contentType, body: tile });
  res.appendHeader('Vary', 'Accept-Encoding');
  if (req.acceptsEncodings('gzip', 'identity') !== 'gzip') {
    return sendAnswer(res, 200, headers, { contentType, body: tile });
  }
  const body = await compressed(tile);
  sendAnswer(res, 200, { ...headers, 'Content-Encoding': 'gzip' }, { contentType, body });
}

function recordsOf({ parts, params }: Exchange): Records | undefined {
  return parts.records?.find(({ home }) => home.group === params['group']);
}

/** The ledger of the group in the path, where it may be read: entries are salted, so anybody may unless the owner says no. */
async function readableLedger(exchange: Exchange): Promise<Ledger | undefined> {
  const records = recordsOf(exchange);
  if (records === undefined) return undefined;
  if (!records.isPublic && !hasScope(exchange, 'audit:read')) return undefined;
  return openedLedger(exchange.parts, records);
}
