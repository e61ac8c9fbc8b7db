import {
  type DeferralResource,
  type DeferredPortion,
  headerNames,
  parseDeferredHeader,
} from '@slackwater/shared';
import { AxiosError, AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import type { CallHistory, FailureFacts } from '../errors/facts.ts';
import { noteFailureFacts } from '../errors/guards.ts';
import { codeFor, wordsFor } from '../errors/last-failure.ts';
import { headerOf } from '../wire/headers.ts';

/** How a response came about. */
export interface Provenance {
  /** How often the request was sent. */
  readonly attempts: number;
  /** How long was waited before each of them but the first, and before each status request, ms: the last 100. */
  readonly waitsMs: readonly number[];
  /**
   * False where the work is known to be done while the route's answer was lost. The response is then a made-up 204
   * without a body.
   */
  readonly outcomeKnown: boolean;
  /** The settled deferral; undefined where the route answered at once. */
  readonly deferral: DeferralResource | undefined;
  /** The proof that the request was recorded (C2SP tlog-proof of `deferral.entry`). */
  readonly receipt: string | undefined;
  /** Whether the receipt was verified under one of the client's verifier keys. */
  readonly receiptVerified: boolean;
  /**
   * What `client.deferral(...)` takes where the server said "succeeded" before the work is done
   * (`Slackwater-Deferred`); else undefined. It carries the capability: keep it like a password.
   */
  readonly resume: string | undefined;
  /** Present where the route did part of its work and deferred the rest: which parts wait, by id, and which are done. */
  readonly parts?: PartsSaid;
}

/** What the header `Slackwater-Deferred` says of an answer's parts. */
export interface PartsSaid {
  /** `client.deferral(id)` follows one, as whoever the server recorded it for. */
  readonly deferred: readonly DeferredPortion[];
  /** As far as the route said. */
  readonly done: readonly string[];
}

/** An axios response that tells how it came about. */
export type SlackwaterResponse<T = unknown, D = unknown> = AxiosResponse<T, D> & {
  readonly slackwater: Provenance;
};

/** The provenance of an answer that came without a deferral. */
export function answeredDirectly({ attempts, waitsMs }: CallHistory): Provenance {
  return {
    attempts,
    waitsMs: [...waitsMs],
    outcomeKnown: true,
    deferral: undefined,
    receipt: undefined,
    receiptVerified: false,
    resume: undefined,
  };
}

/** What stands for the answer of a route that has done its work and whose answer is lost: 204, no body. */
export function unknownOutcome(): Pick<AxiosResponse<unknown>, 'status' | 'statusText' | 'headers' | 'data'> {
  return { status: 204, statusText: 'No Content', headers: new AxiosHeaders(), data: '' };
}

/**
 * Ends a call as axios would: resolves with the response, or rejects with an AxiosError where the call's own
 * `validateStatus` refuses the status. Response and error carry the call's config, not that of a status request. `facts` are asked for by an error.
 */
export function settle(
  call: InternalAxiosRequestConfig<unknown>,
  answer: Pick<AxiosResponse<unknown>, 'status' | 'statusText' | 'headers' | 'data' | 'request'>,
  provenance: Provenance,
  facts: () => FailureFacts,
): SlackwaterResponse {
  const { status, statusText, headers, data, request } = answer;
  const response = {
    status,
    statusText,
    headers,
    data,
    config: call,
    request: request as unknown,
    slackwater: withParts(provenance, answer),
  };
  const { validateStatus } = call;
  if (!status || !validateStatus || validateStatus(status)) return response;
  const error = new AxiosError(wordsFor(status), codeFor(status), call, request, response);
  noteFailureFacts(error, facts());
  throw error;
}

function withParts(provenance: Provenance, answer: Pick<AxiosResponse<unknown>, 'headers'>): Provenance {
  const said = parseDeferredHeader(headerOf(answer, headerNames.deferred));
  if (said?.portion !== 'part') return provenance;
  const { deferred, done } = said;
  return { ...provenance, parts: { deferred, done } };
}
