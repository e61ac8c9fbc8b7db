import { isSlackwaterError, ownMethods } from '@slackwater/shared';
import type { Clock } from '../../clock.ts';
import type { DeferralLedger, Outcome } from '../../ledger/deferral.ts';
import { requestContext } from '../../request-context.ts';
import type { Replay, ReplayRequest, ReplayResult } from '../replay.ts';
import { metEachTime } from '../through-app.ts';
import { isOwn, type OwnHandlers } from './own-work.ts';
import type { OwnContext } from './part-options.ts';
import { payloadOf } from './part-record.ts';

/** What handlers are called with. */
export interface HandlerMeans {
  readonly handlers: OwnHandlers;
  readonly ledger: Pick<DeferralLedger, 'find' | 'readRequest'>;
  readonly clock: Pick<Clock, 'after'>;
  /** Told of errors of handlers; the work is tried again or has failed, as they say. */
  readonly onHandlerError: (error: unknown, deferralId: string) => void;
}

/**
 * Performs what is no request by the handler that is registered for it, and everything else by `through`. What the handler does
 * runs in the same context as a route would: its transactions write the deferral's completion rows.
 */
export function withHandlers(through: Replay, means: HandlerMeans): Replay {
  return (request) => (isOwn(request.deferral) ? callHandler(means, request) : through(request));
}

async function callHandler(means: HandlerMeans, request: ReplayRequest): Promise<ReplayResult> {
  if (request.signal.aborted) return { kind: 'aborted' };
  const ending = new AbortController();
  const over = new Promise<ReplayResult>((resolve) => {
    const end = (result: ReplayResult): void => {
      resolve(result);
      ending.abort();
    };
    const timer = means.clock.after(request.timeoutMs, () => end({ kind: 'timed-out' }));
    const abort = (): void => end({ kind: 'aborted' });
    request.signal.addEventListener('abort', abort, { once: true });
    ending.signal.addEventListener('abort', () => {
      timer.cancel();
      request.signal.removeEventListener('abort', abort);
    });
  });
  const called = requestContext.run(request.context, () => answerOf(means, request, ending.signal));
  const result = await Promise.race([called, over]);
  ending.abort();
  return result;
}

async function answerOf(
  means: HandlerMeans,
  request: ReplayRequest,
  signal: AbortSignal,
): Promise<ReplayResult> {
  const { id } = request.deferral;
  let given: unknown;
  try {
    given = await call(means, request, signal);
  } catch (error) {
    means.onHandlerError(error, id);
    return resultOfError(error);
  }
  try {
    return resultOf(given, request.maxOutcomeBytes);
  } catch (error) {
    // The work is done. What JSON has no text for can't be kept.
    means.onHandlerError(error, id);
    return { kind: 'answered-too-large', status: 200 };
  }
}

async function call(
  { handlers, ledger }: HandlerMeans,
  { deferral, attempt, request }: ReplayRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const { id, method, route, workType, partition, parent = '', completionKey: idempotencyKey } = deferral;
  const context: OwnContext = { id, attempt, idempotencyKey, workType, partition, signal };
  if (method === ownMethods.part) {
    return handlers.part(route)?.perform(payloadOf(request), { ...context, part: route, parent });
  }
  const [failed, read] = await Promise.all([ledger.find(parent), ledger.readRequest(parent)]);
  const of = { of: parent, request: read.request, error: failed?.error };
  return handlers.compensation(workType)?.({ ...context, ...of });
}

function resultOf(given: unknown, maxOutcomeBytes: number): ReplayResult {
  const json = JSON.stringify(given) as string | undefined;
  if (json === undefined) return answered({ status: 204, headers: [], body: new Uint8Array() });
  const body = Buffer.from(json, 'utf8');
  if (body.byteLength > maxOutcomeBytes) return { kind: 'answered-too-large', status: 200 };
  return answered({ status: 200, headers: [['content-type', 'application/json; charset=utf-8']], body });
}

/** An error that says its status (as http-errors does) is an answer; any other says nothing of what was done. */
function resultOfError(error: unknown): ReplayResult {
  const message = error instanceof Error ? error.message : String(error);
  if (isSlackwaterError(error) && metEachTime.has(error.code)) {
    return { kind: 'refused', error: { code: error.code, message } };
  }
  const status = statusOf(error);
  if (status === undefined) return { kind: 'broken', message: `the handler threw: ${message}` };
  const detail = status < 500 ? message : 'The part failed.';
  const body = Buffer.from(JSON.stringify({ type: 'about:blank', status, detail }), 'utf8');
  return answered({ status, headers: [['content-type', 'application/problem+json']], body });
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { status, statusCode } = error as { readonly status?: unknown; readonly statusCode?: unknown };
  const said = status ?? statusCode;
  return typeof said === 'number' && Number.isInteger(said) && said >= 400 && said <= 599 ? said : undefined;
}

function answered(outcome: Outcome): ReplayResult {
  return { kind: 'answered', outcome };
}
