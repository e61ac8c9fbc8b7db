import type { AxiosInstance, AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import { errorForCaller } from '../call/errors-out.ts';
import type { Machinery } from '../call/sending.ts';
import { settleDeferral } from '../call/settle-deferral.ts';
import { signalsOf } from '../call/signals.ts';
import { newHistory } from '../errors/facts.ts';
import { StatusUrlForeignError } from '../errors/trust.ts';
import type { ResolvedOptions } from '../options.ts';
import { loadProver } from '../proof/load-prover.ts';
import { type HandOver, type Opened, openHandedOver } from './opened.ts';
import { parseResumeToken, type ResumeToken } from './resume.ts';
import { absoluteUrl, deferralIdOf, isDeferralId, trustedUrl } from './status-url.ts';

/**
 * What a caller knows of a deferral as a token: its id, its status URL, or the text of an earlier poller.
 *
 * @throws StatusUrlForeignError, ParameterRefusedError.
 */
export function tokenFor(known: string, instance: AxiosInstance, options: ResolvedOptions): ResumeToken {
  const resources = (): URL =>
    absoluteUrl(`${options.basePath.replace(/\/$/, '')}/`, instance.defaults.baseURL);
  if (isDeferralId(known)) {
    const statusUrl = new URL(`deferrals/${known}`, resources()).href;
    return { id: known, statusUrl, outcomeUrl: undefined, method: undefined };
  }
  const id = known.startsWith('{') ? undefined : deferralIdOf(known);
  const token =
    id === undefined
      ? parseResumeToken(known)
      : { id, statusUrl: known, outcomeUrl: undefined, method: undefined };
  const base = trustedBase(token, instance, options);
  const trusted = (url: string): string => trustedUrl(url, base, options.allowedOrigins).href;
  return {
    ...token,
    statusUrl: trusted(token.statusUrl),
    outcomeUrl: token.outcomeUrl === undefined ? undefined : trusted(token.outcomeUrl),
  };
}

/** Without a baseURL nothing says whose credentials the instance holds, unless the origin is allowed by name. */
function trustedBase(token: ResumeToken, instance: AxiosInstance, options: ResolvedOptions): URL {
  const { baseURL } = instance.defaults;
  if (baseURL !== undefined) return absoluteUrl(baseURL);
  const url = absoluteUrl(token.statusUrl);
  if (!options.allowedOrigins.includes(url.origin))
    throw new StatusUrlForeignError(url.origin, options.allowedOrigins);
  return url;
}

/**
 * Runs a call through the caller's instance that sends nothing of its own: it lends the credentials that the instance's interceptors add, and
 * gives them the final response to see.
 */
export function openResumed(
  machinery: Machinery,
  options: ResolvedOptions,
  token: ResumeToken,
): Promise<Opened> {
  return openHandedOver(async (handOver) => {
    // Interceptors may log what they see, so they don't get to see the capability.
    const [url] = token.statusUrl.split('?', 1);
    const { instance } = machinery;
    const config: AxiosRequestConfig<unknown> = { method: 'get', 'axios-retry': { retries: 0 } };
    if (url !== undefined) config.url = url;
    config.adapter = (call) => waitInItsName(machinery, options, token, call, handOver);
    try {
      return await instance.request<unknown, unknown>(config);
    } catch (error) {
      throw errorForCaller(error, true);
    }
  });
}

async function waitInItsName(
  machinery: Machinery,
  options: ResolvedOptions,
  token: ResumeToken,
  call: InternalAxiosRequestConfig<unknown>,
  handOver: HandOver,
): ReturnType<
  NonNullable<
    Extract<AxiosRequestConfig<unknown>['adapter'], (config: InternalAxiosRequestConfig<unknown>) => unknown>
  >
> {
  const { DeferralSession } = await loadProver();
  const session = new DeferralSession({
    ...token,
    call: {
      passage: { describe: () => call },
      adapter: machinery.instance.defaults.adapter,
      sending: { machinery, options },
    },
    sent: [],
    isWatched: true,
  });
  const settlement = await handOver(session, signalsOf(call));
  await session.proofKept();
  return settleDeferral(call, session, settlement, newHistory());
}
