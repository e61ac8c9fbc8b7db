import type { DeferralResource } from '@slackwater/shared';
import type { Limits } from '../call/limits.ts';
import type { ResolvedOptions } from '../options.ts';
import { traced } from '../telemetry.ts';
import { followStatus } from './follow.ts';
import { type Reading, readOutcome, readStatus, requestCancellation } from './reading.ts';
import type { SendStatusRequest, StatusRequest } from './status-request.ts';

/** Servers send a comment every 15 s. */
const leastSilenceMs = 30_000;

/** The questions that can be put about one deferral, one request each. */
export class Questions {
  readonly #send: SendStatusRequest;
  readonly #statusUrl: string;
  readonly #options: ResolvedOptions;

  constructor(send: SendStatusRequest, statusUrl: string, options: ResolvedOptions) {
    this.#send = send;
    this.#statusUrl = statusUrl;
    this.#options = options;
  }

  /** How it stands; the server may hold the request open for `waitMs`. */
  async status(limits: Limits, waitMs: number): Promise<Reading> {
    const waitSeconds = Math.floor(Math.min(waitMs, limits.remainingMs()) / 1_000);
    const request = this.#request(this.#statusUrl, limits, { waitSeconds });
    return await this.#traced('status', () => readStatus(this.#send, request, this.#wallMs()));
  }

  /** The same as a stream of changes. */
  async changes(limits: Limits, onResource: (resource: DeferralResource) => void): Promise<Reading> {
    const { runtime, attemptTimeoutMs } = this.#options;
    const silenceMs = Math.max(leastSilenceMs, attemptTimeoutMs);
    const request = this.#request(this.#statusUrl, limits);
    return await this.#traced('changes', () =>
      followStatus({ send: this.#send, request, runtime, silenceMs, onResource }),
    );
  }

  /** What the route answered. */
  async outcome(limits: Limits, url: string): Promise<Reading> {
    const request = this.#request(url, limits, { isOutcome: true });
    return await this.#traced('outcome', () => readOutcome(this.#send, request, this.#wallMs()));
  }

  /** Whether it is canceled, if that is possible. */
  async cancellation(limits: Limits): Promise<Reading> {
    const request = this.#request(this.#statusUrl, limits, { method: 'DELETE' });
    return await this.#traced('cancel', () => requestCancellation(this.#send, request, this.#wallMs()));
  }

  /** Gives the operation that it is left to inputs. */
  async inputs(limits: Limits, values: Readonly<Record<string, unknown>>): Promise<Reading> {
    const url = new URL(this.#statusUrl);
    url.pathname += '/inputs';
    const request = this.#request(url.href, limits, { method: 'POST', json: values });
    return await this.#traced('inputs', () => readStatus(this.#send, request, this.#wallMs()));
  }

  #traced(question: string, work: () => Promise<Reading>): Promise<Reading> {
    return traced(this.#options.onLog, 'poll', () => ({ question, url: this.#statusUrl }), work);
  }

  #wallMs(): number {
    return this.#options.runtime.wallMs();
  }

  #request(url: string, limits: Limits, more: Partial<StatusRequest> = {}): StatusRequest {
    const { attemptTimeoutMs: timeoutMs } = this.#options;
    return {
      method: 'GET',
      url,
      waitSeconds: 0,
      isOutcome: false,
      signal: limits.signal,
      timeoutMs,
      ...more,
    };
  }
}
