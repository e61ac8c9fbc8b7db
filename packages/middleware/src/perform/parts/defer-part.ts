import { ownMethods } from '@slackwater/shared';
import type { Acceptance, AcceptanceResult, Deferral, DeferralLedger } from '../../ledger/deferral.ts';
import { type PartParent, partRequest } from './part-record.ts';

/** A part that is to be recorded. */
export interface PartWish
  extends Pick<Acceptance, 'workType' | 'priority' | 'partition' | 'requester' | 'orderKey' | 'maxDelayMs'> {
  readonly name: string;
  /** JSON, UTF-8. */
  readonly payload: Uint8Array;
  readonly parent: PartParent;
  /** What is done once: that of the request's completion rows, or an id of its own. */
  readonly key: string;
  /** The how-manieth part of that name it is in its request, from 1. */
  readonly ordinal: number;
  /** The requester's pseudonym, where that is known, and the requester is not. */
  readonly pseudonym?: string;
}

/** A part that is recorded. */
export interface RecordedPart {
  readonly deferral: Deferral;
  /** Undefined where it was recorded before, with another payload. */
  readonly capability: string | undefined;
}

/** So often a request may be tried, and defer its parts anew. */
const mostTries = 1_000;

/**
 * Records a part, held until its request has succeeded. An earlier try of the same request may have recorded it: what nobody
 * may begin yet is canceled and recorded anew, as this try wants it; what was released before is the same part still. Undefined where
 * the queue is full. Rejects with an `EngineError` or a `LedgerError`.
 *
 * A crash between canceling the one and recording the other leaves no part, and a request that has not succeeded.
 */
export async function recordPart(
  ledger: Pick<DeferralLedger, 'accept' | 'findByKey' | 'step'>,
  wish: PartWish,
): Promise<RecordedPart | undefined> {
  const request = partRequest(wish.name, wish.payload, wish.parent);
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const idempotencyKey = JSON.stringify([wish.key, wish.ordinal, tries]);
    const result = await ledger.accept(acceptanceOf(wish, request, idempotencyKey));
    if (result.kind === 'queue-full') return undefined;
    if (result.kind === 'accepted' && !result.repeated) return result;
    const before = await recordedBefore(ledger, request, idempotencyKey, result);
    if (before === undefined || before.deferral.status === 'Canceled') continue;
    if (!before.deferral.held) return before;
    const canceled = await ledger.step(before.deferral.id, { type: 'canceled', error: superseded });
    if (canceled === undefined) tries -= 1;
  }
  throw new RangeError(`its request was tried ${mostTries} times and more`);
}

const superseded = {
  code: 'request-failed',
  message: 'The attempt that deferred it did not succeed, and the next one deferred its own.',
} as const;

function acceptanceOf(
  { workType, priority, partition, requester, orderKey, maxDelayMs, name, parent, pseudonym }: PartWish,
  request: Acceptance['request'],
  idempotencyKey: string,
): Acceptance {
  return {
    ...{ request, route: name, workType, priority, partition, requester, idempotencyKey },
    reasons: ['part'],
    ...(orderKey === undefined ? {} : { orderKey }),
    ...(maxDelayMs === undefined ? {} : { maxDelayMs }),
    belongsTo: { parent: parent.id, ...(pseudonym === undefined ? {} : { pseudonym }) },
  };
}

async function recordedBefore(
  ledger: Pick<DeferralLedger, 'findByKey'>,
  { url }: Acceptance['request'],
  idempotencyKey: string,
  result: Exclude<AcceptanceResult, { readonly kind: 'queue-full' }>,
): Promise<RecordedPart | undefined> {
  if (result.kind === 'accepted') return result;
  const deferral = await ledger.findByKey('', ownMethods.part, url, idempotencyKey);
  return deferral && { deferral, capability: undefined };
}
