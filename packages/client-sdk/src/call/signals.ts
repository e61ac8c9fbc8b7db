import type { AxiosRequestConfig } from 'axios';
import type { SignalLike } from './limits.ts';

/** The caller's signals in a config: axios's `signal` and its older `cancelToken`. */
export function signalsOf(
  config: Pick<AxiosRequestConfig<unknown>, 'signal' | 'cancelToken'>,
): readonly (SignalLike | undefined)[] {
  const { signal, cancelToken } = config;
  if (signal === undefined && cancelToken === undefined) return none;
  // axios's type of the method is absent from older ones.
  return [signal as SignalLike | undefined, cancelToken?.toAbortSignal()];
}

const none: readonly undefined[] = [];
