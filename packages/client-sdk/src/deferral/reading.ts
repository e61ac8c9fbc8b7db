import {
  type DeferralResource,
  headerNames,
  isDeferralResource,
  type Problem,
  parseOutcomeState,
} from '@slackwater/shared';
import { type AxiosResponse, isAxiosError } from 'axios';
import { redact } from '../errors/redact.ts';
import { discard } from '../wire/discard.ts';
import { headerOf } from '../wire/headers.ts';
import { jsonBodyOf } from '../wire/json-body.ts';
import { problemOf } from '../wire/problem.ts';
import { askedWaitMs } from '../wire/retry-after.ts';
import type { SendStatusRequest, StatusRequest } from './status-request.ts';

/** What one request to a deferral's resources told. */
export type Reading =
  | { readonly kind: 'resource'; readonly resource: DeferralResource; readonly askedMs: number | undefined }
  /** The route's own answer. */
  | { readonly kind: 'final'; readonly response: AxiosResponse<unknown> }
  /** Nothing that settles anything: no answer, an answer of something in between, an unknown status. */
  | { readonly kind: 'unclear'; readonly trouble: string; readonly askedMs: number | undefined }
  /** A cancellation was accepted. */
  | { readonly kind: 'accepted' }
  /** 404 or 410. */
  | { readonly kind: 'absent' }
  /** Refused for good; with what a problem document says of it, where there is one. */
  | { readonly kind: 'refused'; readonly status: number; readonly problem?: Problem };

const passingStatuses = new Set([408, 425, 429]);

/** Asks for the deferral resource. */
export async function readStatus(
  send: SendStatusRequest,
  request: StatusRequest,
  wallMs: number,
): Promise<Reading> {
  return await read(send, request, wallMs, async (response, askedMs) => {
    const resource = await jsonBodyOf(response);
    if (isDeferralResource(resource)) return { kind: 'resource', resource, askedMs };
    return { kind: 'unclear', trouble: 'the answer is no deferral resource', askedMs };
  });
}

/** Asks for the outcome. `Slackwater-Outcome: final` alone decides, for a route may itself answer 202, 404 or 503. */
export async function readOutcome(
  send: SendStatusRequest,
  request: StatusRequest,
  wallMs: number,
): Promise<Reading> {
  return await read(send, request, wallMs, async (response, askedMs) => {
    discard(response.data);
    const pending = outcomeStateOf(response) === 'pending';
    const trouble = pending
      ? 'the outcome is pending'
      : 'the answer has no Slackwater-Outcome header (does CORS expose it?)';
    return { kind: 'unclear', trouble, askedMs };
  });
}

/** Asks for the cancellation. `refused` with 409 says that it is too late, or done already. */
export async function requestCancellation(
  send: SendStatusRequest,
  request: StatusRequest,
  wallMs: number,
): Promise<Reading> {
  return await read(send, request, wallMs, async () => ({ kind: 'accepted' }));
}

async function read(
  send: SendStatusRequest,
  request: StatusRequest,
  wallMs: number,
  onSuccess: (response: AxiosResponse<unknown>, askedMs: number | undefined) => Promise<Reading>,
): Promise<Reading> {
  let response: AxiosResponse<unknown>;
  try {
    response = await send(request);
  } catch (error) {
    return { kind: 'unclear', trouble: describe(error), askedMs: undefined };
  }
  if (request.isOutcome && outcomeStateOf(response) === 'final') return { kind: 'final', response };
  const { status } = response;
  const askedMs = askedWaitMs(response, wallMs);
  if (status < 300) return await onSuccess(response, askedMs);
  const problem = request.json === undefined ? undefined : (await problemOf(response))?.document;
  discard(response.data);
  if (status === 404 || status === 410) return { kind: 'absent' };
  if (status >= 500 || passingStatuses.has(status))
    return { kind: 'unclear', trouble: `status ${status}`, askedMs };
  return problem === undefined ? { kind: 'refused', status } : { kind: 'refused', status, problem };
}

function outcomeStateOf(response: AxiosResponse<unknown>): ReturnType<typeof parseOutcomeState> {
  return parseOutcomeState(headerOf(response, headerNames.outcome));
}

/** In words that hold no URL: the error of axios itself would carry the capability in its config. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'the request failed';
  const code = isAxiosError(error) && error.code !== undefined ? `${error.code}: ` : '';
  return redact(`${code}${error.message}`);
}
