import {
  type DeferralResource,
  type Durability,
  type OperationProgress,
  ownMethods,
  type Reversal,
} from '@slackwater/shared';
import type { Deferral } from '../ledger/deferral.ts';
import { standingOf } from './operations/operation-progress.ts';

/** What does not change from one deferral of a gate to the next. */
export interface DeferralHome {
  readonly application: string;
  readonly group: string;
  readonly durable: Durability;
}

/** URLs of one deferral, with a capability where they are given to its caller. */
export interface DeferralUrls {
  readonly status: string;
  readonly outcome: string;
}

/** Its URLs under `base`: relative to the origin, or absolute where `publicUrl` is in it. */
export function deferralUrls(base: string, id: string, capability?: string): DeferralUrls {
  const status = `${base}/deferrals/${id}`;
  const query = capability === undefined ? '' : `?capability=${capability}`;
  return { status: `${status}${query}`, outcome: `${status}/outcome${query}` };
}

/** The body of a 202 and of `GET /deferrals/:id`. */
export function deferralResource(
  home: DeferralHome,
  deferral: Deferral,
  proof: { readonly entry: Uint8Array; readonly receipt: string },
  urls: DeferralUrls,
  reversal?: Reversal,
  operation?: OperationProgress,
): DeferralResource {
  const { outcomeKnown, error, deadlineAt } = deferral;
  return {
    id: deferral.id,
    ...(operation === undefined || deferral.phase === 'settled'
      ? { status: deferral.status, phase: deferral.phase }
      : standingOf(operation)),
    application: home.application,
    group: home.group,
    workType: deferral.workType,
    partition: deferral.partition,
    createdAt: new Date(deferral.createdAt).toISOString(),
    updatedAt: new Date(deferral.updatedAt).toISOString(),
    ...(deadlineAt === undefined ? {} : { deadlineAt: new Date(deadlineAt).toISOString() }),
    attempts: deferral.attempts,
    postponements: deferral.postponements,
    ...portionOf(deferral),
    ...(operation === undefined ? belongingOf(deferral) : { operation }),
    ...(deferral.acknowledged ? { acknowledged: 'succeeded' as const } : {}),
    ...(reversal === undefined ? {} : { reversal }),
    durable: home.durable,
    ...(outcomeKnown === undefined ? {} : { outcomeKnown }),
    ...(error === undefined || error.code === 'operation-running' ? {} : { error }),
    resourceLocation: urls.outcome,
    receipt: proof.receipt,
    entry: Buffer.from(proof.entry).toString('base64'),
    salt: deferral.salt,
  };
}

function belongingOf({ parent, held }: Deferral): Pick<DeferralResource, 'parent' | 'held'> {
  return { ...(parent === undefined ? {} : { parent }), ...(held ? { held } : {}) };
}

/** How much of a request a deferral is, and the name of the part. */
export function portionOf({
  method,
  route,
}: Pick<Deferral, 'method' | 'route'>): Pick<DeferralResource, 'portion' | 'part'> {
  return method === ownMethods.part ? { portion: 'part', part: route } : { portion: 'all' };
}
