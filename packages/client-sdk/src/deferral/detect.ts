import {
  type DeferralResource,
  headerNames,
  isDeferralResource,
  parseDeferredHeader,
} from '@slackwater/shared';
import type { AxiosResponse } from 'axios';
import { AnswerMalformedError } from '../errors/trust.ts';
import type { ResolvedOptions } from '../options.ts';
import { headerOf } from '../wire/headers.ts';
import { jsonBodyOf } from '../wire/json-body.ts';
import { askedWaitMs } from '../wire/retry-after.ts';
import { deferralIdOf, trustedUrl } from './status-url.ts';

interface Pointers {
  readonly id: string;
  readonly statusUrl: URL;
  readonly outcomeUrl: URL | undefined;
}

/** Whether an answer is Slackwater's "deferred", its "succeeded, and done later", or the route's own. */
export type Sighting =
  | { readonly kind: 'none' }
  | (Pointers & { readonly kind: 'acknowledged' })
  | (Pointers & {
      readonly kind: 'deferred';
      /** Undefined where the caller wants a stream: the body is then not read, and the status URL asked instead. */
      readonly resource: DeferralResource | undefined;
      readonly askedMs: number | undefined;
    });

/**
 * Tells a deferral from a 202 of the route's own: its Operation-Location lies under `/deferrals/<ULID>`. Where that header was lost on the
 * way, as it is to scripts that CORS does not let see it, the body tells the same.
 *
 * @throws StatusUrlForeignError; AnswerMalformedError where the body is no deferral resource.
 */
export async function detectDeferral(
  response: AxiosResponse<unknown>,
  requestUrl: () => URL,
  options: ResolvedOptions,
): Promise<Sighting> {
  const location = headerOf(response, headerNames.operationLocation);
  const id = location === undefined ? undefined : deferralIdOf(location);
  const acknowledged = parseDeferredHeader(headerOf(response, headerNames.deferred))?.portion === 'all';
  if (response.status !== 202 && !acknowledged) return { kind: 'none' };
  const trusted = (url: string): URL => trustedUrl(url, requestUrl(), options.allowedOrigins);
  const askedMs = askedWaitMs(response, options.runtime.wallMs());
  if (location === undefined || id === undefined) return await detectByBody(response, trusted, askedMs);
  const statusUrl = trusted(location);
  if (acknowledged) return { kind: 'acknowledged', id, statusUrl, outcomeUrl: undefined };
  const outcome = headerOf(response, headerNames.location);
  const outcomeUrl = outcome === undefined ? undefined : trusted(outcome);
  const pointers = { id, statusUrl, outcomeUrl };
  if (response.config.responseType === 'stream')
    return { kind: 'deferred', ...pointers, resource: undefined, askedMs };
  const resource = await jsonBodyOf(response);
  if (isDeferralResource(resource)) return { kind: 'deferred', ...pointers, resource, askedMs };
  throw new AnswerMalformedError(`it points to deferral ${id}, and its body is no deferral resource`);
}

async function detectByBody(
  response: AxiosResponse<unknown>,
  trusted: (url: string) => URL,
  askedMs: number | undefined,
): Promise<Sighting> {
  const resource = await jsonBodyOf(response);
  if (!isDeferralResource(resource)) return { kind: 'none' };
  const outcomeUrl = trusted(resource.resourceLocation);
  const statusUrl = new URL(outcomeUrl);
  statusUrl.pathname = statusUrl.pathname.replace(/\/outcome$/, '');
  return { kind: 'deferred', id: resource.id, statusUrl, outcomeUrl, resource, askedMs };
}
