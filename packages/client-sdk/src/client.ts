import axios, { type AxiosInstance, type CreateAxiosDefaults } from 'axios';
import { type AuditClient, auditClient } from './audit/audit-client.ts';
import type { Asked } from './audit/fetch.ts';
import { makeWhole, type SlackwaterRequestConfig, sendCall } from './call/prepare.ts';
import type { Machinery } from './call/sending.ts';
import type { SlackwaterResponse } from './call/settle.ts';
import { canStream } from './deferral/can-stream.ts';
import { openHandedOver } from './deferral/opened.ts';
import { CallPoller, type Poller } from './deferral/poller.ts';
import { formatResumeToken } from './deferral/resume.ts';
import { openResumed, tokenFor } from './deferral/resumed-call.ts';
import { bareInstance } from './deferral/status-request.ts';
import { absoluteUrl } from './deferral/status-url.ts';
import { OptionInvalidError, OptionMissingError } from './errors/set-up.ts';
import { type ClientOptions, type ResolvedOptions, resolveCallOptions, resolveOptions } from './options.ts';
import { ReceiptBook } from './proof/receipt-book.ts';
import { retryingInstance } from './retry/attempts.ts';
import { lanesOf } from './retry/lanes.ts';

/**
 * Calls that end well: each resolves with the final response, whether it came at once, after retries, or after a
 * deferral. Final HTTP errors are rejected as AxiosErrors, as axios does; what this client itself gives up on, as ClientErrors.
 */
export interface SlackwaterClient {
  /** Sends a request and waits for its final response. */
  request<T = unknown, D = unknown>(config: SlackwaterRequestConfig<D>): Promise<SlackwaterResponse<T, D>>;
  /** GET. */
  get<T = unknown>(url: string, config?: SlackwaterRequestConfig): Promise<SlackwaterResponse<T>>;
  /** DELETE. */
  delete<T = unknown>(url: string, config?: SlackwaterRequestConfig): Promise<SlackwaterResponse<T>>;
  /** POST. A function as `data` is called for each attempt. */
  post<T = unknown, D = unknown>(
    url: string,
    data?: D | (() => D),
    config?: SlackwaterRequestConfig<D>,
  ): Promise<SlackwaterResponse<T, D>>;
  /** PUT. A function as `data` is called for each attempt. */
  put<T = unknown, D = unknown>(
    url: string,
    data?: D | (() => D),
    config?: SlackwaterRequestConfig<D>,
  ): Promise<SlackwaterResponse<T, D>>;
  /** PATCH. A function as `data` is called for each attempt. */
  patch<T = unknown, D = unknown>(
    url: string,
    data?: D | (() => D),
    config?: SlackwaterRequestConfig<D>,
  ): Promise<SlackwaterResponse<T, D>>;
  /** Sends a request and resolves as soon as it is answered or deferred, with what waits for the rest. */
  begin<T = unknown, D = unknown>(config: SlackwaterRequestConfig<D>): Promise<Poller<T>>;
  /**
   * A poller of a deferral that was begun earlier, maybe by another process: by its id, its status URL, or the text of a poller. Sends
   * nothing before it is used.
   *
   * @throws StatusUrlForeignError, ParameterRefusedError.
   */
  deferral<T = unknown>(known: string): Poller<T>;
  /** Questions to the ledger. */
  readonly audit: AuditClient;
  /** The axios instance that calls run through. */
  readonly axios: AxiosInstance;
}

/** Options of {@link createClient}. */
export interface CreateClientOptions extends ClientOptions {
  /** Where the application is: what axios calls `baseURL`. */
  readonly baseURL: string;
  /** Headers of every request. */
  readonly headers?: NonNullable<CreateAxiosDefaults['headers']>;
  /** Everything else that `axios.create` takes: agents, proxy, adapter, timeout. */
  readonly axios?: Omit<CreateAxiosDefaults, 'baseURL' | 'headers'>;
}

/**
 * A client of an application behind Slackwater.
 *
 * @throws OptionMissingError, OptionInvalidError, OptionUnknownError, VerifierKeyShapeError.
 */
export function createClient({
  baseURL,
  headers,
  axios: more,
  ...options
}: CreateClientOptions): SlackwaterClient {
  if (typeof baseURL !== 'string' || baseURL === '') throw noBaseUrl(baseURL, options);
  const defaults: CreateAxiosDefaults = { ...more, baseURL };
  if (headers !== undefined) defaults.headers = headers;
  return clientOver(axios.create(defaults), options, true);
}

function noBaseUrl(given: unknown, others: object): Error {
  if (given !== undefined) {
    return new OptionInvalidError('baseURL: give a URL such as "https://shop.example"');
  }
  const meant = Object.keys(others).find((name) => name.toLowerCase() === 'baseurl');
  const hint = meant === undefined ? '' : `; it is spelled so, not ${meant}`;
  return new OptionMissingError(`baseURL: say where the application is${hint}`);
}

/**
 * A client over an axios instance that exists. Its defaults, interceptors and adapter are used, each interceptor once per call; the
 * instance itself is not changed.
 *
 * @throws as {@link createClient}.
 */
export function slackwater(instance: AxiosInstance, options: ClientOptions = {}): SlackwaterClient {
  return clientOver(instance, options, false);
}

/** `isOurs`: nobody else has put anything in the place of the instance's methods. */
function clientOver(instance: AxiosInstance, options: ClientOptions, isOurs: boolean): SlackwaterClient {
  const resolved = resolveOptions(options);
  const machinery: Machinery = {
    instance,
    inner: retryingInstance(),
    direct: isOurs ? retryingInstance(instance.defaults) : undefined,
    bare: bareInstance(),
    book: new ReceiptBook(resolved.receipts),
    lanes: lanesOf(resolved.runtime, resolved.retryBudget, resolved.circuitBreaker),
  };
  const sending = { machinery, options: resolved, makeWhole };
  // One function of the language that waits costs as much as the rest of a call that does.
  const send = <T, D>(config: SlackwaterRequestConfig<D>): Promise<SlackwaterResponse<T, D>> => {
    try {
      const { slackwater: own } = config;
      const its = own === undefined ? sending : { ...sending, options: resolveCallOptions(resolved, own) };
      return sendCall(its, config as SlackwaterRequestConfig) as Promise<SlackwaterResponse<T, D>>;
    } catch (error) {
      return Promise.reject(error);
    }
  };
  const withBody =
    (method: string) =>
    <T, D>(url: string, data?: D | (() => D), config: SlackwaterRequestConfig<D> = {}) =>
      send<T, D>(data === undefined ? { ...config, method, url } : { ...config, method, url, data });
  return {
    request: (config) => send(config),
    get: (url, config) => send({ ...config, method: 'get', url }),
    delete: (url, config) => send({ ...config, method: 'delete', url }),
    post: withBody('post'),
    put: withBody('put'),
    patch: withBody('patch'),
    begin: (config) => begin(machinery, resolved, config),
    deferral: (known) => {
      const token = tokenFor(known, instance, resolved);
      return new CallPoller(
        () => openResumed(machinery, resolved, token),
        resolved,
        formatResumeToken(token),
      );
    },
    audit: auditClient({
      fetchResource: (path, asked) =>
        send({ method: 'get', url: resourceUrl(instance, resolved, path), ...configOf(asked, instance) }),
      verifierKeys: resolved.verifierKeys,
      book: machinery.book,
      log: resolved.onLog,
    }),
    axios: instance,
  };
}

function configOf(
  { params, as = 'json', accept }: Asked = {},
  instance: AxiosInstance,
): SlackwaterRequestConfig {
  const config: SlackwaterRequestConfig = {};
  if (params !== undefined) config.params = params;
  if (accept !== undefined) config.headers = { Accept: accept };
  if (as === 'bytes') config.responseType = 'arraybuffer';
  if (as === 'text') config.responseType = 'text';
  if (as === 'stream') config.responseType = canStream(instance.defaults.adapter) ? 'stream' : 'text';
  return config;
}

async function begin<T, D>(
  machinery: Machinery,
  client: ResolvedOptions,
  config: SlackwaterRequestConfig<D>,
): Promise<Poller<T>> {
  const options = resolveCallOptions(client, config.slackwater);
  const open = () =>
    openHandedOver((handOver) =>
      sendCall(
        {
          machinery,
          options,
          makeWhole,
          finish: (session, limits, signals) => {
            // From here on time runs for each operation of the poller, not for the call.
            limits.release();
            return handOver(session, signals);
          },
        },
        config as SlackwaterRequestConfig,
      ),
    );
  const poller = new CallPoller<T>(open, options, '');
  await poller.opened();
  return poller;
}

function resourceUrl(instance: AxiosInstance, options: ResolvedOptions, path: string): string {
  return absoluteUrl(options.basePath.replace(/\/$/, '') + path, instance.defaults.baseURL).href;
}
