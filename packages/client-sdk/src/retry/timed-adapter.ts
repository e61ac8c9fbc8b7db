import axios, { type AxiosAdapter, AxiosError, type AxiosRequestConfig } from 'axios';
import type { Runtime } from '../runtime.ts';

/**
 * An adapter under a limit of its own: axios's `timeout` is one of silence in Node.js, which an answer that trickles in without end never
 * reaches. An attempt that passes the limit fails as an axios timeout does. Of an answer that is read as a stream only the head is under it.
 * `onEnd` calls back when it is to be given up; default: when the config's own signal fires. The config that it is given is its own from then on.
 */
export function timedAdapter(
  adapter: AxiosRequestConfig['adapter'],
  runtime: Runtime,
  timeoutMs: number,
  onEnd?: (listener: () => void) => () => void,
): AxiosAdapter {
  return (config) => {
    const send = axios.getAdapter(adapter ?? axios.defaults.adapter);
    return new Promise((resolve, reject) => {
      const controller = new AbortController();
      const abort = (): void => controller.abort();
      const release = (): void => {
        cancel();
        leave();
      };
      const cancel = runtime.setTimer(timeoutMs, () => {
        release();
        const message = `timeout of ${timeoutMs} ms exceeded`;
        reject(new AxiosError(message, AxiosError.ETIMEDOUT, config));
        abort();
      });
      const leave = onEnd === undefined ? onSignal(config.signal, abort) : onEnd(abort);
      const settle = <V>(end: (value: V) => void) => {
        return (value: V): void => {
          release();
          end(value);
        };
      };
      config.signal = controller.signal;
      send(config).then(settle(resolve), settle(reject));
    });
  };
}

function onSignal(signal: AxiosRequestConfig['signal'], listener: () => void): () => void {
  if (signal?.aborted === true) listener();
  signal?.addEventListener?.('abort', listener);
  return () => signal?.removeEventListener?.('abort', listener);
}
