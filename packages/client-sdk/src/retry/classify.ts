import type { Problem } from '@slackwater/shared';
import { type AxiosResponse, isAxiosError } from 'axios';
import { isNetworkError } from 'axios-retry';
import { problemOf } from '../wire/problem.ts';
import { askedWaitMs, isSlackwaterRetryLater } from '../wire/retry-after.ts';
import type { Failure } from './decide.ts';
import { laneOf } from './lane-name.ts';

/** Failures of axios itself and of TLS that no repetition cures. */
const permanentCode =
  /^(ERR_BAD_|ERR_CANCELED|ERR_DEPRECATED|ERR_NOT_SUPPORT|ERR_INVALID_|ERR_FR_|ERR_FORM_DATA|ERR_TLS_|ERR_SSL_)/;
const timeoutCodes = new Set(['ECONNABORTED', 'ETIMEDOUT']);
const notSentCodes = new Set(['ECONNREFUSED', 'EAI_AGAIN']);

/**
 * The whole response that an error of axios carries. An answer that was cut off has a response too, but one
 * without data: it is no answer.
 */
export function wholeResponse(error: unknown): AxiosResponse<unknown> | undefined {
  if (!isAxiosError<unknown>(error) || error.response?.data === undefined) return undefined;
  return error.response;
}

/** What went wrong with an attempt, and the problem document that says so. */
export interface Classified {
  readonly failure: Failure;
  readonly problem: Problem | undefined;
}

/** Says what it means that no whole answer came. `redirected`: a first server has answered already, so that a refused connection no longer means that nothing was done. */
export function classifySilence(error: unknown, redirected: boolean): Failure {
  if (!isAxiosError(error)) return { kind: 'permanent' };
  const code = error.code ?? '';
  if (error.response !== undefined || timeoutCodes.has(code)) return { kind: 'answer-lost' };
  if (permanentCode.test(code) || !isNetworkError(error)) return { kind: 'permanent' };
  return { kind: notSentCodes.has(code) && !redirected ? 'not-sent' : 'answer-lost' };
}

/** Says what an answer means that is an error. */
export async function classifyAnswer(response: AxiosResponse<unknown>, wallMs: number): Promise<Classified> {
  const problem = await problemOf(response);
  const failure: Failure = {
    kind: 'answered',
    status: response.status,
    askedMs: askedWaitMs(response, wallMs),
    fromSlackwater: isSlackwaterRetryLater(response, problem),
    code: problem?.code,
    recorded: problem?.recorded,
    lane: laneOf(response, problem),
  };
  return { failure, problem: problem?.document };
}
