import type {
  AxiosAdapter,
  AxiosInstance,
  AxiosRequestConfig,
  AxiosRequestTransformer,
  InternalAxiosRequestConfig,
} from 'axios';
import type { CallOptions, ResolvedOptions } from '../options.ts';
import type { BodySource } from './body.ts';
import { errorForCaller } from './errors-out.ts';
import { bodySource, callAdapter, type Finish, type Machinery } from './open-call.ts';
import { randomKey, requestHeaders } from './request-headers.ts';

/** An axios config; `data` may be a factory, called for each attempt, and `slackwater` holds this call's options. */
export interface SlackwaterRequestConfig<D = unknown> extends Omit<AxiosRequestConfig<D>, 'data'> {
  data?: D | (() => D);
  slackwater?: CallOptions;
}

/** The callers' adapters and transformations behind those of earlier calls, for configs that are sent again. */
const adapterBehind = new WeakMap<AxiosAdapter, { readonly adapter: AxiosRequestConfig['adapter'] }>();
const ours = new WeakSet<AxiosRequestTransformer>();

/** Sends a call through the caller's instance. Resolves with what its interceptors make of the final response. */
export async function sendCall(
  machinery: Machinery,
  options: ResolvedOptions,
  config: SlackwaterRequestConfig,
  finish: Finish,
): Promise<unknown> {
  const { instance } = machinery;
  const adapter = callersAdapter(instance, config);
  const { slackwater: _ours, ...given } = config;
  const method = (given.method ?? instance.defaults.method ?? 'get').toUpperCase();
  const source = rememberSource();
  const transformations = [...callersTransformations(instance, given)];
  const outer: AxiosRequestConfig<unknown> = {
    ...given,
    method,
    headers: asHeaders(
      requestHeaders(given.headers, { method, preferAsync: options.preferAsync, newKey: randomKey }),
    ),
    transformRequest: [source.transformation, ...transformations],
  };
  const plan = { machinery, options, adapter, finish, body: source.bodyOf };
  const own = callAdapter(plan);
  adapterBehind.set(own, { adapter });
  // Should the caller's instance have axios-retry on it, it would repeat the whole call with all its retries.
  const markIsOurs = outer['axios-retry'] === undefined;
  outer['axios-retry'] ??= { retries: 0 };
  try {
    return await instance.request<unknown, unknown>({ ...outer, adapter: own });
  } catch (error) {
    throw errorForCaller(error, markIsOurs);
  }
}

function callersAdapter(
  instance: AxiosInstance,
  config: SlackwaterRequestConfig,
): AxiosRequestConfig['adapter'] {
  const { adapter } = config;
  const behind = typeof adapter === 'function' ? adapterBehind.get(adapter) : undefined;
  return behind === undefined ? (adapter ?? instance.defaults.adapter) : behind.adapter;
}

function callersTransformations(
  instance: AxiosInstance,
  config: AxiosRequestConfig<unknown>,
): readonly AxiosRequestTransformer[] {
  const given = config.transformRequest ?? instance.defaults.transformRequest ?? [];
  return (Array.isArray(given) ? given : [given]).filter((transformation) => !ours.has(transformation));
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
