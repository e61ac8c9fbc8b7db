import type {
  AxiosAdapter,
  AxiosInstance,
  AxiosRequestConfig,
  AxiosRequestTransformer,
  InternalAxiosRequestConfig,
} from 'axios';
import type { CallOptions } from '../options.ts';
import { UnderWay } from '../retry/under-way.ts';
import { type BodySource, bodySource } from './body.ts';
import { DirectPassage } from './direct-passage.ts';
import { errorForCaller } from './errors-out.ts';
import { startLimits } from './limits.ts';
import { methodOf } from './method.ts';
import { NestedPassage } from './nested-passage.ts';
import { performCall } from './open-call.ts';
import { randomKey, requestHeaders } from './request-headers.ts';
import type { Sending } from './sending.ts';
import { signalsOf } from './signals.ts';

/** An axios config; `data` may be a factory, called for each attempt, and `slackwater` holds this call's options. */
export interface SlackwaterRequestConfig<D = unknown> extends Omit<AxiosRequestConfig<D>, 'data'> {
  data?: D | (() => D);
  slackwater?: CallOptions;
}

/** The callers' adapters and transformations behind those of earlier calls, for configs that are sent again. */
const adapterBehind = new WeakMap<AxiosAdapter, { readonly adapter: AxiosRequestConfig['adapter'] }>();
const ours = new WeakSet<AxiosRequestTransformer>();

/**
 * Sends a call. Resolves with what the interceptors of the caller's instance make of the final response. Where it has none, and is one that this
 * client made, each attempt is one request of axios; else the whole call is one, which the instance holds as long as it lasts.
 */
export function sendCall(sending: Sending, config: SlackwaterRequestConfig): Promise<unknown> {
  const { machinery, options } = sending;
  const { instance, direct } = machinery;
  const method = methodOf({ method: config.method ?? instance.defaults.method ?? 'get' });
  const needs = { method, preferAsync: options.preferAsync, newKey: randomKey };
  const headers = asHeaders(requestHeaders(config.headers, needs));
  const request: SlackwaterRequestConfig = { ...config, method, headers };
  if ('slackwater' in request) delete request.slackwater;
  const adapter = callersAdapter(instance, config);
  if (direct === undefined || isIntercepted(instance)) return sendNested(sending, request, adapter);
  const { transformRequest } = config;
  if (transformRequest !== undefined) request.transformRequest = withoutOurs(transformRequest);
  return sendDirect(sending, request, adapter);
}

function sendDirect(
  sending: Sending,
  request: AxiosRequestConfig<unknown>,
  adapter: AxiosRequestConfig['adapter'],
): Promise<unknown> {
  const { machinery, options } = sending;
  const { defaults } = machinery.instance;
  const signals = signalsOf({
    signal: request.signal ?? defaults.signal,
    cancelToken: request.cancelToken ?? defaults.cancelToken,
  });
  const passage = new DirectPassage(sending, request, adapter);
  return performCall(
    new UnderWay(sending, passage, startLimits(options.runtime, options.deadlineMs, signals), adapter),
  );
}

/** To axios the whole call, with its retries and its deferral, is one request with one response: interceptors run once. */
async function sendNested(
  sending: Sending,
  request: AxiosRequestConfig<unknown>,
  adapter: AxiosRequestConfig['adapter'],
): Promise<unknown> {
  const { instance } = sending.machinery;
  const own = makeWhole(sending, request, adapter);
  // Should the caller's instance have axios-retry on it, it would repeat the whole call with all its retries.
  const markIsOurs = request['axios-retry'] === undefined;
  request['axios-retry'] ??= { retries: 0 };
  try {
    return await instance.request<unknown, unknown>({ ...request, ...own });
  } catch (error) {
    throw errorForCaller(error, markIsOurs);
  }
}

/** Adapter and transformations of a config that is a whole call of its own, through whichever instance it is sent. */
export function makeWhole(
  sending: Sending,
  request: AxiosRequestConfig<unknown>,
  adapter: AxiosRequestConfig['adapter'],
): { readonly adapter: AxiosAdapter; readonly transformRequest: AxiosRequestTransformer[] } {
  const { instance, inner } = sending.machinery;
  const { runtime, deadlineMs } = sending.options;
  const source = rememberSource();
  const own: AxiosAdapter = async (config) => {
    const passage = new NestedPassage(inner, config, source.bodyOf(config));
    const limits = startLimits(runtime, deadlineMs, signalsOf(config));
    const response = await performCall(new UnderWay(sending, passage, limits, adapter));
    return response as Awaited<ReturnType<AxiosAdapter>>;
  };
  adapterBehind.set(own, { adapter });
  const given = request.transformRequest ?? instance.defaults.transformRequest ?? [];
  return { adapter: own, transformRequest: [source.transformation, ...withoutOurs(given)] };
}

function isIntercepted({ interceptors }: AxiosInstance): boolean {
  return hasAny(interceptors.request) || hasAny(interceptors.response);
}

function hasAny({ handlers }: { readonly handlers?: readonly unknown[] }): boolean {
  // What axios does not show might be there.
  return handlers === undefined || handlers.some((handler) => handler !== null);
}

function callersAdapter(
  instance: AxiosInstance,
  { adapter }: SlackwaterRequestConfig,
): AxiosRequestConfig['adapter'] {
  const behind = typeof adapter === 'function' ? adapterBehind.get(adapter) : undefined;
  return behind === undefined ? (adapter ?? instance.defaults.adapter) : behind.adapter;
}

function withoutOurs(
  given: AxiosRequestTransformer | readonly AxiosRequestTransformer[],
): AxiosRequestTransformer[] {
  return [given].flat().filter((transformation) => !ours.has(transformation));
}

/**
 * The first transformation of a call's body: it remembers what the caller gave, and calls factories. The
 * rest of the transformations can then make the body again where the first was a stream.
 */
function rememberSource(): {
  readonly transformation: AxiosRequestTransformer;
  readonly bodyOf: (config: InternalAxiosRequestConfig<unknown>) => BodySource;
} {
  let given: unknown;
  const transformation: AxiosRequestTransformer = (data: unknown) => {
    given = data;
    return typeof data === 'function' ? Reflect.apply(data, undefined, []) : data;
  };
  ours.add(transformation);
  const bodyOf = (config: InternalAxiosRequestConfig<unknown>): BodySource => {
    const source = given;
    const rest = [config.transformRequest ?? []].flat();
    return bodySource(source, () => {
      let data: unknown = source;
      for (const transformation of rest) data = transformation.call(config, data, config.headers);
      return data;
    });
  };
  return { transformation, bodyOf };
}

function asHeaders(headers: Record<string, unknown>): NonNullable<AxiosRequestConfig['headers']> {
  return headers as NonNullable<AxiosRequestConfig['headers']>;
}
