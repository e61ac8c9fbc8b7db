import { headerNames } from '@slackwater/shared';
import { AxiosHeaders, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { headerOf } from '../wire/headers.ts';
import { longestName, type ProblemFacts } from '../wire/problem.ts';

/** Reasons that are about the one who asks, or about this one request: others need not wait because of them. */
const aboutOneCaller = new Set([
  'requester-share',
  'requester-unknown',
  'requester-class',
  'requester-class-unknown',
  'never-defer-class',
  'order-key-waiting',
  'identity-not-captured',
  'body-not-capturable',
  'body-too-large',
  'scored',
  'group-unknown',
]);

/**
 * The lane of a refusal: partition and work type as the server names them, and whether deferral was allowed, for a call that allows it may be
 * deferred where another is refused. Undefined where the server names none, or refuses for a reason of this one call.
 */
export function laneOf(
  response: AxiosResponse<unknown>,
  problem: ProblemFacts | undefined,
): string | undefined {
  if (problem?.code !== 'retry-later' || problem.recorded !== false) return undefined;
  const [reason] = problem.reasons;
  if (reason !== undefined && aboutOneCaller.has(reason)) return undefined;
  const partition = problem.partition ?? headerOf(response, headerNames.partition)?.slice(0, longestName);
  if (partition === undefined && problem.workType === undefined) return undefined;
  return JSON.stringify([partition, problem.workType, allowsDeferral(response.config)]);
}

/**
 * What calls that go to the same place have in common: method, place and whether they allow deferral. The place is the path without its query,
 * or what the caller says that it is.
 */
export function targetOf(config: AxiosRequestConfig<unknown>, route: string | undefined): string {
  const [path] = (config.url ?? '').split(/[?#]/, 1);
  const place = route ?? `${config.baseURL ?? ''} ${path}`;
  return `${config.method?.toUpperCase()} ${place} ${allowsDeferral(config)}`;
}

function allowsDeferral({ headers }: AxiosRequestConfig<unknown>): boolean {
  const prefer =
    headers instanceof AxiosHeaders ? headers.get(headerNames.prefer) : headers?.[headerNames.prefer];
  return String(prefer ?? '').includes('respond-async');
}
