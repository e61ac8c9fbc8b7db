import { createProblem } from '@slackwater/shared';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { hasScope } from './access.ts';
import { askedGroup, homesOf } from './asked-group.ts';
import type { Exchange } from './exchange.ts';
import { findDeferral, openedLedger } from './find-deferral.ts';
import { firstWith } from './locate-deferral.ts';
import { isDeferralId } from './match-path.ts';

const recordKey = /^payload\/([0-9A-Z]{26})$/;
const digits = /^(?:0|[1-9][0-9]{0,14})$/;

/** `GET /deferrals/:id/mapping`: where its two records are, and whether they agree. For auditors also of what is no longer shown. */
export async function getMappingOf(exchange: Exchange): Promise<void> {
  const { res, params } = exchange;
  const id = params['id'] ?? '';
  const isAuditor = isDeferralId(id) && hasScope(exchange, 'audit:read');
  if (isAuditor) return sendMappingOf(exchange, id);
  const found = await findDeferral(exchange, 'audit:read');
  if (found === undefined) return sendNotFound(res);
  sendJson(res, 200, {}, await found.ledger.mapping(found.deferral.position));
}

/** `GET /mapping?record=` or `?position=`: the same, from the second record's key or the first record's place. */
export async function getMapping(exchange: Exchange): Promise<void> {
  const { parts, res, query } = exchange;
  const { records } = parts;
  if (records === undefined || !hasScope(exchange, 'audit:read')) return sendNotFound(res);
  const asked = readAsked(query, homesOf(records).groups);
  if (asked.kind === 'fault') return sendProblem(res, createProblem('parameter-invalid', asked.detail));
  if (asked.kind === 'record') return sendMappingOf(exchange, asked.id);
  const group = askedGroup(records, query);
  const { entries } = await group.audit.list({ limit: 1 });
  if (asked.position >= entries) return sendNotFound(res);
  const ledger = await openedLedger(parts, group);
  sendJson(res, 200, {}, await ledger.mapping(asked.position));
}

type Asked =
  | { readonly kind: 'record'; readonly id: string }
  | { readonly kind: 'position'; readonly position: number }
  | { readonly kind: 'fault'; readonly detail: string };

function readAsked(query: URLSearchParams, groups: readonly string[]): Asked {
  const fault = (detail: string): Asked => ({ kind: 'fault', detail });
  const names = [...query.keys()];
  const [group] = query.getAll('group');
  const others = names.filter((name) => name !== 'group');
  const [name, another] = others;
  if (names.length - others.length > 1 || (group !== undefined && !groups.includes(group))) {
    return fault(`group: give one of ${groups.join(', ')}.`);
  }
  if (name === 'position' && group === undefined && groups.length > 1) {
    return fault(`group: each has positions of its own; give one of ${groups.join(', ')}.`);
  }
  const value = query.get(name ?? '') ?? '';
  const id = name === 'record' ? recordKey.exec(value)?.[1] : undefined;
  if (another === undefined && id !== undefined && isDeferralId(id)) return { kind: 'record', id };
  if (another !== undefined || name !== 'position' || !digits.test(value)) {
    return fault(
      'Give one of record, such as payload/01ARZ3NDEKTSV4RRFFQ69G5FAV, and position, a whole number from 0.',
    );
  }
  if (groups.length > 1 && group === undefined) {
    return fault(`group: positions are those of one ledger; give one of ${groups.join(', ')}.`);
  }
  return { kind: 'position', position: Number(value) };
}

async function sendMappingOf({ parts, res }: Exchange, id: string): Promise<void> {
  const { records } = parts;
  if (records === undefined) return sendNotFound(res);
  const located = await firstWith(records, id, async ({ audit }) => (await audit.entriesOf(id))[0]);
  if (located === undefined) return sendNotFound(res);
  const ledger = await openedLedger(parts, located.group);
  sendJson(res, 200, {}, await ledger.mapping(located.found));
}
