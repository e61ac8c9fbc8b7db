import axios, {
  type AxiosAdapter,
  AxiosHeaders,
  type AxiosInstance,
  type AxiosRequestConfig,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';
import { targetOf } from '../retry/lane-name.ts';
import { isRepeatable, isSourceRepeatable } from './body.ts';
import { type Passage, type RepeatWithin, unchanged } from './passage.ts';
import type { Sending } from './sending.ts';

/**
 * The passage of a call whose instance has no interceptors: each attempt is one request of axios, which merges the config and runs the
 * transformations. After the first, what the transformations made is sent again.
 */
export class DirectPassage implements Passage {
  readonly #sending: Sending;
  /** As it was given; from the first attempt on with the body and the headers that were made of it. */
  readonly #request: AxiosRequestConfig<unknown>;
  readonly #adapter: AxiosRequestConfig['adapter'];
  /** Whether the transformations have run; `once`: they made what can be sent once, and run again. */
  #made: 'not-yet' | 'once' | 'for-all' = 'not-yet';

  constructor(
    sending: Sending,
    request: AxiosRequestConfig<unknown>,
    adapter: AxiosRequestConfig['adapter'],
  ) {
    this.#sending = sending;
    this.#request = request;
    this.#adapter = adapter;
  }

  get #inner(): AxiosInstance {
    return this.#sending.machinery.direct ?? this.#sending.machinery.inner;
  }

  target(route: string | undefined): string {
    const { baseURL } = this.#inner.defaults;
    return targetOf(baseURL === undefined ? this.#request : { baseURL, ...this.#request }, route);
  }

  through(end: AxiosAdapter, repeat: RepeatWithin): Promise<unknown> {
    const config: AxiosRequestConfig<unknown> = { ...this.#request, adapter: end, 'axios-retry': repeat };
    if (typeof config.data === 'function') config.data = Reflect.apply(config.data, undefined, []);
    else if (this.#made === 'for-all') config.transformRequest = [unchanged];
    return this.#inner.request(config);
  }

  shown(passed: InternalAxiosRequestConfig<unknown>): InternalAxiosRequestConfig<unknown> {
    if (this.#made !== 'not-yet') return passed;
    this.#made = isRepeatable(passed.data) ? 'for-all' : 'once';
    this.#request.headers = { ...passed.headers } as AxiosHeaders;
    if (this.#made === 'for-all') this.#request.data = passed.data;
    return passed;
  }

  describe(): InternalAxiosRequestConfig<unknown> {
    const config = axios.mergeConfig(this.#inner.defaults as AxiosRequestConfig, this.#request);
    return { ...config, headers: new AxiosHeaders(this.#request.headers as AxiosHeaders) };
  }

  deliver(end: AxiosAdapter): Promise<unknown> {
    return this.through(end, { retries: 0 });
  }

  clear(shown: InternalAxiosRequestConfig<unknown>): void {
    delete shown['axios-retry'];
    delete shown.adapter;
    if (this.#adapter !== undefined) shown.adapter = this.#adapter;
  }

  failure(error: unknown): unknown {
    if (!isAxiosError<unknown, unknown>(error) || error.config === undefined) return error;
    const { config } = error;
    this.clear(config);
    if (!isRepeatable(config.data) && this.isRepeatable) config.data = this.#request.data;
    return Object.assign(error, {
      config: Object.assign(config, this.#sending.makeWhole(this.#sending, this.#request, this.#adapter)),
    });
  }

  get isRepeatable(): boolean {
    return isSourceRepeatable(this.#request.data);
  }
}
