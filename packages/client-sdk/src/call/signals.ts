import type { AxiosRequestConfig } from 'axios';
import type { SignalLike } from './limits.ts';

type Signals = {
  readonly [Name in 'signal' | 'cancelToken']?: AxiosRequestConfig<unknown>[Name] | undefined;
};

/** The caller's signals in a config: axios's `signal` and its older `cancelToken`. */
export function signalsOf({ signal, cancelToken }: Signals): readonly (SignalLike | undefined)[] {
  if (signal === undefined && cancelToken === undefined) return none;
  // axios's type of the method is absent from older ones.
  return [signal as SignalLike | undefined, cancelToken?.toAbortSignal()];
}

const none: readonly undefined[] = [];
