import axios, { type AxiosAdapter, AxiosError, type AxiosRequestConfig } from 'axios';
import type { Runtime } from '../runtime.ts';

/**
 * An adapter under a limit of its own: axios's `timeout` is one of silence in Node.js, which an answer that trickles in without end never
 * reaches. An attempt that passes the limit fails as an axios timeout does. Of an answer that is read as a stream only the head is under it.
 */
export function timedAdapter(
  adapter: AxiosRequestConfig['adapter'],
  runtime: Runtime,
  timeoutMs: number,
): AxiosAdapter {
  return (config) => {
    const send = axios.getAdapter(adapter ?? axios.defaults.adapter);
    return new Promise((resolve, reject) => {
      const controller = new AbortController();
      const outer = config.signal;
      const onAbort = (): void => controller.abort();
      const release = (): void => {
        cancel();
        outer?.removeEventListener?.('abort', onAbort);
      };
      const cancel = runtime.setTimer(timeoutMs, () => {
        release();
        const message = `timeout of ${timeoutMs} ms exceeded`;
        reject(new AxiosError(message, AxiosError.ETIMEDOUT, config));
        controller.abort();
      });
      if (outer?.aborted) onAbort();
      outer?.addEventListener?.('abort', onAbort);
      const settle = <V>(end: (value: V) => void) => {
        return (value: V): void => {
          release();
          end(value);
        };
      };
      send({ ...config, signal: controller.signal }).then(settle(resolve), settle(reject));
    });
  };
}
