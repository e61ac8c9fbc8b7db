import axios, {
  AxiosHeaders,
  type AxiosInstance,
  type AxiosRequestConfig,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from 'axios';
import type { Described } from '../errors/last-failure.ts';
import type { ResolvedOptions } from '../options.ts';
import { credentialed } from '../retry/credentials.ts';
import { timedAdapter } from '../retry/timed-adapter.ts';
import { maxJsonBytes } from '../wire/json-body.ts';

/** One request to a deferral's resources. */
export interface StatusRequest {
  readonly method: 'GET' | 'DELETE' | 'POST';
  /** The body; absent for none. */
  readonly json?: unknown;
  /** Absolute. */
  readonly url: string;
  /** Whole seconds that the server may hold the request open; 0 for an answer at once. */
  readonly waitSeconds: number;
  /** Whether the body is the route's own, to be given to the caller as the caller asked for it. */
  readonly isOutcome: boolean;
  /** Whether the resource is asked for as a stream of events. Default false. */
  readonly asStream?: boolean;
  readonly signal: AbortSignal;
  /** Limit of the request, the server's holding not counted in. */
  readonly timeoutMs: number;
}

/** Sends a {@link StatusRequest}. Resolves with any status; rejects where no answer came. */
export type SendStatusRequest = (request: StatusRequest) => Promise<AxiosResponse<unknown>>;

/** Headers that belong to the request that was deferred, not to questions about it. */
const requestOnly =
  /^(content-.*|idempotency-key|prefer|if-.*|range|expect|transfer-encoding|x-http-method-override)$/i;

/** An instance without anybody's interceptors and retries. */
export function bareInstance(): AxiosInstance {
  const instance = axios.create();
  instance.defaults.headers.common = {};
  return instance;
}

/**
 * Sends status requests in the name of a call: with its credentials, agents, proxy and adapter, and without what was for its own
 * URL and body. Redirects are not followed, so that credentials and capabilities go nowhere else.
 */
export function statusSender(
  bare: AxiosInstance,
  described: Described,
  adapter: AxiosRequestConfig['adapter'],
  { runtime, credentials }: Pick<ResolvedOptions, 'runtime' | 'credentials'>,
): SendStatusRequest {
  return (request) => {
    const call = described.describe();
    const timeoutMs = request.waitSeconds * 1_000 + request.timeoutMs;
    const config: AxiosRequestConfig<unknown> = {
      ...call,
      url: request.url,
      method: request.method,
      headers: headersOf(call, request),
      timeout: timeoutMs,
      signal: request.signal,
      maxRedirects: 0,
      transformRequest: [unchanged],
      transformResponse: [unchanged],
      validateStatus: () => true,
    };
    for (const name of [
      'baseURL',
      'params',
      'paramsSerializer',
      'data',
      'cancelToken',
      'onUploadProgress',
      'axios-retry',
      'adapter',
    ] as const) {
      delete config[name];
    }
    if (request.json !== undefined) config.data = JSON.stringify(request.json);
    config.adapter = timedAdapter(credentialed(adapter, credentials), runtime, timeoutMs);
    if (!request.isOutcome) {
      config.responseType = request.asStream === true ? 'stream' : 'text';
      config.maxContentLength = request.asStream === true ? -1 : maxJsonBytes;
      delete config.onDownloadProgress;
    }
    return bare.request<unknown, AxiosResponse<unknown>>(config);
  };
}

function headersOf(call: InternalAxiosRequestConfig<unknown>, request: StatusRequest): AxiosHeaders {
  const headers = new AxiosHeaders(call.headers);
  for (const name of Object.keys(headers)) if (requestOnly.test(name)) headers.delete(name);
  const accept = request.asStream === true ? 'text/event-stream, application/json;q=0.5' : 'application/json';
  if (!request.isOutcome) headers.set('Accept', accept, true);
  if (request.json !== undefined) headers.set('Content-Type', 'application/json', true);
  if (request.waitSeconds > 0) headers.set('Prefer', `wait=${request.waitSeconds}`, true);
  return headers;
}

const unchanged = (data: unknown): unknown => data;
