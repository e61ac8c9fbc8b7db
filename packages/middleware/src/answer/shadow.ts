import { parsePrefer } from '@slackwater/shared';
import type { Request } from 'express';
import type { GateParts, Recorder, Recorders } from './gate-parts.ts';
import { type KeyedRequests, type KeyedState, release } from './keyed-requests.ts';
import type { RequestFacts } from './request-facts.ts';
import { requesterOf } from './requester.ts';

/** What would become of a request that shadow mode lets through. What only trying would tell is not asked. */
export function wouldBe(
  { recorders }: Pick<GateParts, 'recorders'>,
  req: Request,
  { workType }: RequestFacts,
): 'defer' | 'retry-later' {
  if (workType.whenOver !== 'defer' || recorders === undefined) return 'retry-later';
  const isAsked = workType.deferWithoutAsking || parsePrefer(req.headers['prefer']).respondAsync;
  return isAsked ? 'defer' : 'retry-later';
}

/** What was promised before shadow mode came, and binds a request all the same. */
export type Promised =
  /** It was deferred itself, and its caller repeats it. */
  | Extract<KeyedState, { readonly kind: 'deferred-before' }>
  /** An earlier one of its order key waits. */
  | { readonly kind: 'order-waits'; readonly at: Recorder }
  | { readonly kind: 'nothing' };

const nothing: Promised = { kind: 'nothing' };

/** Looks for promises that bind a request in shadow mode. Never rejects: what can't be asked binds nobody here. */
export async function promisedBefore(
  parts: Pick<GateParts, 'options' | 'clock' | 'trouble'>,
  recorders: Recorders,
  keyedRequests: KeyedRequests,
  req: Request,
  { orderKey }: RequestFacts,
): Promise<Promised> {
  try {
    const at = await recorders.of(req);
    if (typeof at === 'string') return nothing;
    const { name: requester } = await requesterOf(parts, req);
    const keyed = await keyedRequests.look(at, recorders.others(at), req, requester);
    release(keyed);
    if (keyed.kind === 'deferred-before') return keyed;
    if (orderKey === undefined) return nothing;
    return (await (await at.ledger()).holdsOrderKey(orderKey)) ? { kind: 'order-waits', at } : nothing;
  } catch (error) {
    parts.trouble('looking for what was promised before shadow mode', error);
    return nothing;
  }
}
