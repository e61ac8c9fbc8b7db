import type { AxiosInstance, AxiosRequestConfig } from 'axios';
import type { DeferralSession } from '../deferral/session.ts';
import type { Settlement } from '../deferral/settlement.ts';
import type { ResolvedOptions } from '../options.ts';
import type { ReceiptBook } from '../proof/receipt-book.ts';
import type { Lanes } from '../retry/lanes.ts';
import type { Limits, SignalLike } from './limits.ts';

/** The instances and the lanes that all calls of a client share. */
export interface Machinery {
  /** The caller's instance: its defaults, interceptors and adapter. */
  readonly instance: AxiosInstance;
  /** Repeats attempts of calls that run through the caller's instance. */
  readonly inner: AxiosInstance;
  /** The same by the caller's defaults, for calls that need not run through the instance as it has no interceptors; undefined where somebody else made it. */
  readonly direct: AxiosInstance | undefined;
  /** Asks for status and outcome. */
  readonly bare: AxiosInstance;
  readonly lanes: Lanes;
  /** What is kept of proofs. */
  readonly book: ReceiptBook;
}

/** Waits for a deferral in the name of a call. */
export type Finish = (
  session: DeferralSession,
  limits: Limits,
  signals: readonly (SignalLike | undefined)[],
) => Promise<Settlement>;

/** What calls are sent with. */
export interface Sending {
  readonly machinery: Machinery;
  readonly options: ResolvedOptions;
  /** Absent where the call waits for its deferral itself, and nobody else looks at that. */
  readonly finish?: Finish;
  /** What makes a config that goes back to its caller a whole call again. */
  readonly makeWhole: (
    sending: Sending,
    request: AxiosRequestConfig<unknown>,
    adapter: AxiosRequestConfig['adapter'],
  ) => Partial<AxiosRequestConfig<unknown>>;
}
