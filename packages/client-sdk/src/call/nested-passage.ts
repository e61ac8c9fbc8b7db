import type { AxiosAdapter, AxiosInstance, AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import { targetOf } from '../retry/lane-name.ts';
import { copyOf } from '../wire/headers.ts';
import { type BodySource, isRepeatable } from './body.ts';
import { type Passage, type RepeatWithin, unchanged } from './passage.ts';

/** The passage of a call that runs through an instance of the caller's already, as its adapter: what its interceptors made goes out as it is. */
export class NestedPassage implements Passage {
  readonly #inner: AxiosInstance;
  readonly #config: InternalAxiosRequestConfig<unknown>;
  readonly #body: BodySource;
  #passes = 0;

  constructor(inner: AxiosInstance, config: InternalAxiosRequestConfig<unknown>, body: BodySource) {
    this.#inner = inner;
    this.#config = config;
    this.#body = body;
  }

  target(route: string | undefined): string {
    return targetOf(this.#config, route);
  }

  through(end: AxiosAdapter, repeat: RepeatWithin): Promise<unknown> {
    const { data } = this.#config;
    const isSame = this.#passes === 0 || isRepeatable(data);
    this.#passes += 1;
    const config: AxiosRequestConfig<unknown> = {
      ...this.#config,
      data: isSame ? data : this.#body.remake?.(),
      headers: copyOf(this.#config.headers),
      transformRequest: [unchanged],
      transformResponse: [unchanged],
      adapter: end,
      'axios-retry': repeat,
    };
    delete config.cancelToken;
    delete config.signal;
    return this.#inner.request(config);
  }

  shown(): InternalAxiosRequestConfig<unknown> {
    return this.#config;
  }

  describe(): InternalAxiosRequestConfig<unknown> {
    return this.#config;
  }

  deliver(end: AxiosAdapter): Promise<unknown> {
    return end(this.#config);
  }

  clear(): void {}

  failure(error: unknown): unknown {
    const { data } = this.#config;
    if (!isRepeatable(data) && this.#body.remake !== undefined) this.#config.data = this.#body.given;
    return error;
  }

  get isRepeatable(): boolean {
    return isRepeatable(this.#config.data) || this.#body.remake !== undefined;
  }
}
