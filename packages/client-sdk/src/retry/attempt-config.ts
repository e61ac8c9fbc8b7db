import { AxiosHeaders, type AxiosRequestConfig, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import type { Runtime } from '../runtime.ts';
import { type ClientLog, type StepFacts, traced } from '../telemetry.ts';
import { timedAdapter } from './timed-adapter.ts';

/** What one attempt has of its own. */
export interface AttemptOwn {
  readonly data: unknown;
  /** The adapter that really sends. */
  readonly adapter: AxiosRequestConfig['adapter'];
  readonly signal: AbortSignal;
  readonly runtime: Runtime;
  readonly log: ClientLog | undefined;
  /** From 1. */
  readonly nth: number;
  /** Used where the call's config has no `timeout`. */
  readonly timeoutMs: number;
  /** Told when a server has answered with a redirect that axios follows. */
  readonly onRedirect: () => void;
}

/**
 * The config of one attempt of a call. Nothing that axios, an adapter or axios-retry writes into it is shared
 * with another attempt or with the caller; the body goes out and the answer comes in untransformed.
 */
export function attemptConfig(
  call: InternalAxiosRequestConfig<unknown>,
  attempt: AttemptOwn,
): AxiosRequestConfig<unknown> {
  const config: AxiosRequestConfig<unknown> = {
    ...call,
    data: attempt.data,
    headers: new AxiosHeaders(call.headers),
    transformRequest: [unchanged],
    transformResponse: [unchanged],
    validateStatus: (status) => status < 400,
    timeout: call.timeout || attempt.timeoutMs,
    signal: attempt.signal,
    beforeRedirect: (...redirect) => {
      attempt.onRedirect();
      call.beforeRedirect?.(...redirect);
    },
  };
  delete config.cancelToken;
  delete config['axios-retry'];
  const adapter = timedAdapter(attempt.adapter, attempt.runtime, call.timeout || attempt.timeoutMs);
  const facts = (): StepFacts => ({ method: methodOf(call), url: call.url, attempt: attempt.nth });
  config.adapter = (sent) => traced(attempt.log, 'attempt', facts, () => adapter(sent));
  return config;
}

const unchanged = (data: unknown): unknown => data;

/** Gives an error of an attempt the call's config back, so that sending that config again starts afresh. */
export function rehome(error: unknown, call: InternalAxiosRequestConfig<unknown>): unknown {
  if (!isAxiosError(error)) return error;
  error.config = call;
  if (error.response !== undefined) error.response.config = call;
  return error;
}

/** The method of a config, upper case. */
export function methodOf(config: Pick<AxiosRequestConfig<unknown>, 'method'>): string {
  return (config.method ?? 'get').toUpperCase();
}
