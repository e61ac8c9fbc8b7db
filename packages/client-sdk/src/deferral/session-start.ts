import type { RecordedRequest } from '@slackwater/shared';
import type { AxiosInstance, AxiosRequestConfig } from 'axios';
import type { Described } from '../errors/last-failure.ts';
import type { ResolvedOptions } from '../options.ts';
import type { ReceiptBook } from '../proof/receipt-book.ts';

/** The call in whose name a deferral is asked for: its credentials, its adapter, its options. */
export interface DeferredCall {
  readonly passage: Described;
  readonly adapter: AxiosRequestConfig['adapter'];
  readonly sending: {
    readonly machinery: { readonly bare: AxiosInstance; readonly book: ReceiptBook };
    readonly options: ResolvedOptions;
  };
}

/** What a session starts from. */
export interface SessionStart {
  readonly call: DeferredCall;
  /** Absolute. */
  readonly statusUrl: string;
  /** Absolute; undefined where the resource has yet to say it. */
  readonly outcomeUrl: string | undefined;
  /** The id where the URL or a token says it. */
  readonly id: string | undefined;
  readonly method: string | undefined;
  /** What was sent: see `sentRequests`. Let go when the proof was compared with it. */
  readonly sent: readonly RecordedRequest[];
  /** Whether somebody may ask for the resource, or what changed of it, while it is open. Else it isn't held: ten thousand calls may wait. */
  readonly isWatched: boolean;
}
