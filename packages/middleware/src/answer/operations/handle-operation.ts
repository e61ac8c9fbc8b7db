import type { ServerResponse } from 'node:http';
import { createProblem, headerNames, parseIdempotencyKey, parsePrefer } from '@slackwater/shared';
import type { Request, RequestHandler } from 'express';
import type { RunKey } from '../../ledger/operation-records.ts';
import type { OperationChoice } from '../../options/operation-handler.ts';
import type { PassedRequest } from '../parts/contract.ts';
import { GateRequest } from '../parts/gate-request.ts';
import { closedSignal } from '../resources/exchange.ts';
import { sendProblem } from '../send.ts';
import { acceptRun } from './accept-run.ts';
import type { OperationDesk } from './contract.ts';
import { type AskedFor, forWhom } from './for-whom.ts';
import { OperationHandlerError } from './operation-handler-error.ts';
import { sendComeBack, sendRefusal } from './send-refusal.ts';
import { sendRunAnswer } from './send-run-answer.ts';
import { takeRequest } from './take-request.ts';

/** The longest that a request waits for its operation, ms. */
const mostWaitMs = 60_000;

/** What a route does that starts an operation. */
interface Terms {
  readonly choice: OperationChoice;
  readonly toInput: (req: Request) => unknown;
  readonly waitMs: number;
}

/** Makes a route that starts an operation. @param waitMs how long a request waits for its end */
export function operationHandler(
  desk: OperationDesk,
  choice: OperationChoice,
  toInput: (req: Request) => unknown,
  waitMs: number,
): RequestHandler {
  const terms = { choice, toInput, waitMs };
  return (req, res, next) => {
    handle(desk, terms, req, res).catch((error: unknown) => {
      if (!sendRefusal(res, error)) next(error);
    });
  };
}

async function handle(desk: OperationDesk, terms: Terms, req: Request, res: ServerResponse): Promise<void> {
  const passed = GateRequest.passed((req as { readonly slackwater?: unknown }).slackwater);
  if (passed?.means.options !== desk.options) throw new OperationHandlerError();
  const asked = await forWhom(passed, req);
  if (asked.kind === 'refused') return sendProblem(res, asked.problem);
  if (asked.kind === 'not-now') return sendComeBack(res, asked.reason);
  const key = keyOf(asked, req);
  if (key === 'invalid') return sendProblem(res, invalidKey);
  const taken = passed.replay === undefined ? await takeRequest(desk, passed, req) : undefined;
  if (taken?.kind === 'gone') return;
  if (taken?.kind === 'refused') return sendProblem(res, taken.problem);
  const operation = await desk.chosen(terms.choice, req);
  const input = await terms.toInput(req);
  const { at, requester, pseudonym, workType } = asked;
  const group = at.home.group;
  const whose = pseudonym === undefined ? { requester } : { requester, pseudonym };
  const begun = await desk.begin(group, { operation, input, ...whose, workType, key });
  if (begun.kind === 'key-reused') return sendProblem(res, keyReused);
  const run = begun.id;
  const { waitSeconds } = parsePrefer(req.headers['prefer']);
  const waitMs = waitSeconds === undefined ? terms.waitMs : Math.min(waitSeconds * 1_000, mostWaitMs);
  const answer = await desk.wait(group, run, waitMs, closedSignal(res));
  if (answer !== undefined) sendRunAnswer(res, answer, waitSeconds === undefined ? undefined : waitMs);
  else if (passed.replay !== undefined) await leave(desk, passed, group, run, res);
  else if (taken !== undefined) await acceptRun({ desk, passed, asked, taken, run, req, res });
}

/** The answer of an attempt at a deferral comes from the run, which goes on. Nobody reads this one. */
async function leave(
  desk: OperationDesk,
  { replay }: PassedRequest,
  group: string,
  run: string,
  res: ServerResponse,
): Promise<void> {
  if (replay === undefined || res.destroyed) return;
  await desk.leave(group, run, replay.id);
  res.statusCode = 202;
  res.end();
}

/** A request that is performed for a deferral starts one run, however often it is tried. */
function keyOf(
  { requester, replay }: AskedFor,
  { method, originalUrl, headers }: Request,
): RunKey | undefined | 'invalid' {
  const header = headers['idempotency-key'];
  const idempotencyKey = header === undefined ? undefined : parseIdempotencyKey(header);
  if (header !== undefined && idempotencyKey === undefined) return 'invalid';
  if (idempotencyKey !== undefined && requester !== '')
    return { requester, method, url: originalUrl, idempotencyKey };
  if (replay === undefined) return undefined;
  return { requester: '', method: 'REPLAY', url: '/', idempotencyKey: replay };
}

const invalidKey = createProblem(
  'idempotency-key-invalid',
  `${headerNames.idempotencyKey} must be one string of 1 to 255 printable ASCII characters, in double quotes.`,
);

const keyReused = createProblem(
  'idempotency-key-reused',
  'This Idempotency-Key came with another operation or input before. Give each request a key of its own, and repeat it unchanged.',
);
