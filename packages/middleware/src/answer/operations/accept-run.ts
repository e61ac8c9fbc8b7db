import type { ServerResponse } from 'node:http';
import { createProblem, parsePrefer } from '@slackwater/shared';
import type { Request } from 'express';
import type { AcceptanceResult } from '../../ledger/deferral.ts';
import { deferralResource, deferralUrls } from '../deferral-resource.ts';
import { sendDeferred } from '../deferred.ts';
import type { PassedRequest } from '../parts/contract.ts';
import { sendProblem } from '../send.ts';
import type { OperationDesk } from './contract.ts';
import type { AskedFor } from './for-whom.ts';
import { progressOf } from './operation-progress.ts';
import { sendComeBack } from './send-refusal.ts';
import type { TakenRequest } from './take-request.ts';

// Its operation has not ended in time. By crash point:
//
//   the run     in the ledger      crash after: it goes on. The same Idempotency-Key finds it
//   accepted    sealed             crash after: the deferral is settled as the run is; the same key finds both
//   the 202     sent

/** The partition that deferrals of operations are queued under: what they wait for is no partition's. */
const operationsPartition = 'slackwater:operations';

/** A run that goes on, and the request that asked for it. */
export interface RunGoesOn {
  readonly desk: OperationDesk;
  readonly passed: PassedRequest;
  readonly asked: AskedFor;
  readonly taken: Extract<TakenRequest, { readonly kind: 'taken' }>;
  readonly run: string;
  readonly req: Request;
  readonly res: ServerResponse;
}

/** Records the request, to be settled as its run is, and answers 202. Where that can't be done the caller is told that the run may go on. */
export async function acceptRun(wish: RunGoesOn): Promise<void> {
  const { desk, passed, asked, run, req, res } = wish;
  const { at } = asked;
  // Nobody would learn of it.
  if (res.destroyed || res.headersSent) return;
  try {
    const result = await accept(wish);
    if (result.kind === 'key-reused') return sendProblem(res, changed);
    if (result.kind === 'queue-full') return sendComeBack(res, 'queue-full', run);
    const { deferral, capability } = result;
    const ledger = await at.ledger();
    const [proof, status] = await Promise.all([
      ledger.proof(deferral.id),
      desk.find(at.home.group, run),
      desk.accepted(at.home.group, run, deferral.id),
    ]);
    const urls = deferralUrls(passed.baseUrl, deferral.id, capability);
    const progress = status && progressOf(status);
    sendDeferred(res, {
      resource: deferralResource(at.home, deferral, proof, urls, undefined, progress),
      urls,
      pollAfterMs: at.pollAfterMs(deferral.partition),
      asked: parsePrefer(req.headers['prefer']).respondAsync,
    });
  } catch (error) {
    passed.means.trouble('recording a request whose operation goes on', error);
    sendComeBack(res, 'ledger-unavailable', run);
  }
}

async function accept({ passed, asked, taken, run, req }: RunGoesOn): Promise<AcceptanceResult> {
  const { facts } = passed;
  const ledger = await asked.at.ledger();
  const result = await ledger.accept({
    request: taken.request,
    route: facts?.route ?? routeOf(req) ?? facts?.path ?? '/',
    workType: asked.workType,
    priority: facts?.workType.priority ?? 1,
    partition: operationsPartition,
    requester: asked.requester,
    reasons: ['operation'],
    idempotencyKey: run,
    belongsTo: { parent: run, always: true },
  });
  if (result.kind === 'accepted') asked.at.enqueued(result.deferral.partition);
  return result;
}

/** As Express has it. */
function routeOf({ route, baseUrl }: Request): string | undefined {
  const { path } = (route ?? {}) as { readonly path?: unknown };
  return typeof path === 'string' ? `${baseUrl}${path}` : undefined;
}

const changed = createProblem(
  'idempotency-key-reused',
  'This Idempotency-Key came with the same input in other words before. Repeat the request unchanged.',
);
