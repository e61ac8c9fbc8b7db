import type { ServerResponse } from 'node:http';
import { type Because, parsePrefer, type ReasonCode } from '@slackwater/shared';
import type { Request } from 'express';
import { inTime } from '../in-time.ts';
import type { AcceptanceResult, CapturedRequest, Deferral } from '../ledger/deferral.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import { asked } from './asked.ts';
import { captureBody } from './capture-body.ts';
import type { GateParts, Recorder, Recorders, WhyNot } from './gate-parts.ts';
import { ledgerTrouble, unknownDeferralOf } from './ledger-trouble.ts';
import { type RequestFacts, withNotes } from './request-facts.ts';
import { type SuccessAhead, successAhead } from './success-ahead.ts';

/** What became of the wish to defer a request. */
export type DeferResult =
  | {
      readonly kind: 'deferred';
      /** Where it was recorded. */
      readonly at: Recorder;
      readonly deferral: Deferral;
      readonly capability: string;
      readonly proof: Awaited<ReturnType<Ledger['proof']>>;
      /** What its caller is told ahead of the work; undefined where it is told that it was deferred. */
      readonly ahead?: SuccessAhead | undefined;
    }
  | { readonly kind: 'not-deferred'; readonly reason: WhyNot }
  | { readonly kind: 'fate-unknown'; readonly id: string; readonly reason: WhyNot }
  | { readonly kind: 'key-reused' }
  /** `validate` refused it. */
  | { readonly kind: 'invalid'; readonly detail: string }
  | { readonly kind: 'gone' };

/** A request that is to be deferred. */
export interface ToDefer {
  readonly req: Request;
  readonly res: ServerResponse;
  readonly facts: RequestFacts;
  readonly partition: string;
  readonly requester: string | undefined;
  /** Of its group, where that is known already. */
  readonly recorder: Recorder | undefined;
  readonly idempotencyKey: string | undefined;
  readonly reasons: readonly ReasonCode[];
  readonly because?: Because;
  /** Its deferral was made before: what stands in the way of a new one does not count. */
  readonly before: boolean;
}

type DeferParts = Pick<GateParts, 'options' | 'clock' | 'warn' | 'trouble'> &
  Partial<Pick<GateParts, 'meter'>>;

/** What was taken of a request beyond its body. */
type Captured =
  | { readonly kind: 'captured'; readonly request: CapturedRequest }
  | Extract<DeferResult, { readonly kind: 'not-deferred' | 'gone' }>;

/** Defers a request, if everything that it takes is there. Never rejects. */
export async function defer(
  parts: DeferParts,
  recorders: Recorders,
  wish: ToDefer,
  keep: KeepHeaders,
): Promise<DeferResult> {
  const { req, facts, requester } = wish;
  const { workType } = facts;
  if (!wish.before && !workType.deferWithoutAsking && !parsePrefer(req.headers['prefer']).respondAsync) {
    return notDeferred('not-asked');
  }
  if (requester === undefined) return notDeferred('requester-unknown');
  if (facts.orderUnknown && !wish.before) return notDeferred('option-function-failed');
  const missing = wish.before ? undefined : await whyNotDoneOnce(parts, recorders, wish.partition);
  if (missing !== undefined) return notDeferred(missing);
  const recorder = wish.recorder ?? (await recorders.of(req));
  if (typeof recorder === 'string') return notDeferred(recorder);
  const captured = await capture(parts, wish, keep);
  if (captured.kind !== 'captured') return captured;
  const refusal = await refusalOf(parts, wish, captured.request);
  if (refusal !== undefined) return refusal;
  // Asked before: what stands in the ledger of what its caller was told is then true.
  const ahead = await successAhead(parts, facts.workType, req);
  const result = await recordMeasured(parts, recorder, { ...wish, requester, ahead }, captured.request);
  if (result.kind !== 'deferred' || !mayBeCalledDone(result.deferral)) return result;
  return { ...result, ahead };
}

/** A repetition may meet one that was told to be deferred, or one that has come to nothing since. */
function mayBeCalledDone({ acknowledged, status }: Deferral): boolean {
  return acknowledged && status !== 'Failed' && status !== 'Canceled';
}

/** The headers of a request that its replay will have. */
export type KeepHeaders = (req: Request) => CapturedRequest['headers'];

async function whyNotDoneOnce(
  { clock, options, warn, trouble }: DeferParts,
  recorders: Recorders,
  partition: string,
): Promise<WhyNot | undefined> {
  const completions = recorders.completionsOf(partition);
  if (completions === undefined || completions === 'none') {
    warn(
      'deferral-without-completions',
      `Partition ${partition} has no completion rows: what is deferred to it is performed at least once.`,
    );
    return undefined;
  }
  try {
    await inTime(
      clock,
      options.ledger.engineTimeoutMs,
      'Looking at the completion table',
      completions.ready(),
    );
    return undefined;
  } catch (error) {
    trouble(`looking at the completion table of ${partition}`, error);
    const isMissing = (error as { code?: unknown }).code === 'completion-table-missing';
    return isMissing ? 'completion-table-missing' : 'database-unreachable';
  }
}

async function capture(
  { options, clock, warn, trouble }: DeferParts,
  { req }: ToDefer,
  keep: KeepHeaders,
): Promise<Captured> {
  let identity: unknown;
  try {
    identity = await asked(clock, 'capture', () => options.capture?.(req));
    // As it will come back from the record; what JSON can't say can't be restored.
    if (identity !== undefined) identity = JSON.parse(JSON.stringify(identity)) as unknown;
  } catch (error) {
    trouble('capturing the identity', error);
    return notDeferred('option-function-failed');
  }
  const hasCredentials = req.headers.authorization !== undefined || req.headers.cookie !== undefined;
  if (hasCredentials && identity === undefined) return notDeferred('identity-not-captured');
  const taken = await captureBody(req, options.maxBodyBytes);
  if (taken.kind === 'gone') return { kind: 'gone' };
  if (taken.kind === 'refused') return notDeferred(taken.reason);
  if (taken.encodedAnew) {
    warn(
      'gate-after-body-parser',
      'The gate stands after a body parser: bodies of JSON and forms are encoded anew, others can not be deferred.',
    );
  }
  const headers = keep(req).filter(([name]) => !(taken.encodedAnew && aboutBytes.has(name)));
  return {
    kind: 'captured',
    request: {
      method: req.method,
      url: req.originalUrl,
      headers,
      body: taken.body,
      remoteAddress: req.socket.remoteAddress,
      secure: 'encrypted' in req.socket,
      identity,
    },
  };
}

/** Headers that are about the bytes of a body: they hold no more where it was encoded anew. */
export const aboutBytes: ReadonlySet<string> = new Set(['content-encoding', 'content-digest', 'repr-digest']);

/** Asks `validate`. A gate before the parser lends it the body as JSON, where it is that. */
async function refusalOf(
  { clock, trouble }: DeferParts,
  { req, facts }: ToDefer,
  { body }: CapturedRequest,
): Promise<DeferResult | undefined> {
  const { validate, acknowledge } = facts.workType;
  if (validate !== undefined || acknowledge === 'succeeded') {
    // Parsers leave an empty one of what they don't read.
    if (Object.keys(req.body ?? {}).length === 0) req.body = jsonOf(req, body) ?? req.body;
  }
  if (validate === undefined) return undefined;
  try {
    const detail = await asked(clock, 'validate', () => validate(req));
    return detail === undefined ? undefined : { kind: 'invalid', detail };
  } catch (error) {
    trouble('validating a request', error);
    return notDeferred('option-function-failed');
  }
}

/** A body as the JSON that it is; undefined where it is none. */
export function jsonOf(req: Request, body: Uint8Array): unknown {
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(req.headers['content-type'] ?? '')) return undefined;
  if (req.headers['content-encoding'] !== undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** Nothing is missing any more. */
type Recordable = ToDefer & { readonly requester: string; readonly ahead: SuccessAhead | undefined };

/** Records, and measures how long that takes. */
async function recordMeasured(
  parts: DeferParts,
  recorder: Recorder,
  wish: Recordable,
  request: CapturedRequest,
): Promise<DeferResult> {
  const startedAt = parts.clock.now();
  const result = await record(parts, recorder, wish, request);
  const outcome = result.kind === 'fate-unknown' ? 'unknown' : result.kind;
  if (outcome === 'deferred' || outcome === 'not-deferred' || outcome === 'unknown') {
    parts.meter?.recorded(recorder.home.group, outcome, parts.clock.now() - startedAt);
  }
  return result;
}

async function record(
  { trouble }: DeferParts,
  recorder: Recorder,
  wish: Recordable,
  request: CapturedRequest,
): Promise<DeferResult> {
  const { req, res, facts, idempotencyKey, because = {} } = wish;
  let result: AcceptanceResult;
  try {
    const ledger = await recorder.ledger();
    // Nobody would learn of it: the caller has left, or something else, such as a time limit, has answered it meanwhile.
    if (req.socket.destroyed || res.headersSent) return { kind: 'gone' };
    result = await ledger.accept({
      request,
      route: facts.route ?? facts.path,
      workType: facts.workType.name,
      priority: facts.workType.priority,
      partition: wish.partition,
      requester: wish.requester,
      reasons: withNotes(facts, wish.reasons),
      ...(Object.keys(because).length === 0 ? {} : { because }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(facts.orderKey === undefined ? {} : { orderKey: facts.orderKey }),
      ...(facts.workType.maxPostponeMs === undefined ? {} : { maxPostponeMs: facts.workType.maxPostponeMs }),
      ...(facts.workType.maxDelayMs === undefined ? {} : { maxDelayMs: facts.workType.maxDelayMs }),
      ...(wish.ahead === undefined ? {} : { acknowledged: true }),
    });
    if (result.kind === 'key-reused') return { kind: 'key-reused' };
    if (result.kind === 'queue-full') return notDeferred('queue-full');
  } catch (error) {
    trouble('recording a request', error);
    const id = unknownDeferralOf(error);
    const reason = ledgerTrouble(error);
    return id === undefined ? notDeferred(reason) : { kind: 'fate-unknown', id, reason };
  }
  const { deferral, capability } = result;
  recorder.enqueued(deferral.partition);
  try {
    const proof = await (await recorder.ledger()).proof(deferral.id);
    return { kind: 'deferred', at: recorder, deferral, capability, proof };
  } catch (error) {
    // It is recorded. Without its receipt nobody is told that it is.
    trouble('making a receipt', error);
    return { kind: 'fate-unknown', id: deferral.id, reason: ledgerTrouble(error) };
  }
}

function notDeferred(reason: WhyNot): Extract<DeferResult, { readonly kind: 'not-deferred' }> {
  return { kind: 'not-deferred', reason };
}
