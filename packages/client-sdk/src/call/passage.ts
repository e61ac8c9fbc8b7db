import type { AxiosAdapter, InternalAxiosRequestConfig } from 'axios';
import type { IAxiosRetryConfigExtended } from 'axios-retry';

/** How axios-retry repeats within a pass. */
export type RepeatWithin = IAxiosRetryConfigExtended;

/** How the attempts of a call pass through axios, one at a time. Between two of them nothing is held but what sends the next. */
export interface Passage {
  /** What lanes are found by. */
  target(route: string | undefined): string;
  /** Sends it through axios once, with `end` in the place of an adapter. Resolves and rejects as axios makes of that. */
  through(end: AxiosAdapter, repeat: RepeatWithin): Promise<unknown>;
  /** The config that answers and errors show, of one that came through axios. Told of each. */
  shown(passed: InternalAxiosRequestConfig<unknown>): InternalAxiosRequestConfig<unknown>;
  /** The same between attempts, made anew. */
  describe(): InternalAxiosRequestConfig<unknown>;
  /** Lets the final response pass through axios. */
  deliver(end: AxiosAdapter): Promise<unknown>;
  /** Takes off a config what was for the pass alone, when it goes to the caller with a response. */
  clear(shown: InternalAxiosRequestConfig<unknown>): void;
  /** What an error is when it goes to the caller: whoever sends its config again sends what was given, and begins afresh. */
  failure(error: unknown): unknown;
  /** Whether the body can be sent again. */
  readonly isRepeatable: boolean;
}

/** The transformation that leaves a body as it is. */
export const unchanged = (data: unknown): unknown => data;
