import axios, {
  type AxiosAdapter,
  AxiosHeaders,
  type AxiosRequestConfig,
  type AxiosResponse,
  CanceledError,
  type InternalAxiosRequestConfig,
} from 'axios';
import { isRepeatable } from '../call/body.ts';
import { discard } from '../wire/discard.ts';
import { wholeResponse } from './classify.ts';

/** What credentials are asked for. */
export interface CredentialsNeed {
  /** Where they go: as the request has it, without its query. */
  readonly url: string;
  /** Whether those that were given last were refused by a 401: what is given now is to be new. */
  readonly refused: boolean;
}

/** Gives headers, such as `{ Authorization: 'Bearer ...' }`. */
export type Credentials = (
  need: CredentialsNeed,
) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;

/** An adapter whose every request has the credentials of its moment. Where they are refused by a 401, which says that nothing was done, it is sent once more with new ones. */
export function credentialed(
  adapter: AxiosRequestConfig['adapter'],
  credentials: Credentials | undefined,
): AxiosRequestConfig['adapter'] {
  if (credentials === undefined) return adapter;
  const send: AxiosAdapter = (config) => axios.getAdapter(adapter ?? axios.defaults.adapter)(config);
  return async (config) => {
    const once = async (refused: boolean): Promise<AxiosResponse<unknown>> => {
      const [url = ''] = (config.url ?? '').split(/[?#]/, 1);
      const given = await orAborted(async () => credentials({ url, refused }), config);
      return await send({ ...config, headers: new AxiosHeaders(config.headers).set({ ...given }, true) });
    };
    const refusal = await unauthorized(once(false));
    if (refusal.kind === 'passed') return refusal.response;
    if (!isRepeatable(config.data)) {
      if (refusal.error !== undefined) throw refusal.error;
      return refusal.response;
    }
    discard(refusal.response.data);
    return await once(true);
  };
}

interface Refusal {
  readonly kind: 'passed' | 'refused';
  readonly response: AxiosResponse<unknown>;
  /** Where the adapter made one of it. */
  readonly error: unknown;
}

async function unauthorized(answer: Promise<AxiosResponse<unknown>>): Promise<Refusal> {
  try {
    const response = await answer;
    return { kind: response.status === 401 ? 'refused' : 'passed', response, error: undefined };
  } catch (error) {
    const response = wholeResponse(error);
    if (response?.status !== 401) throw error;
    return { kind: 'refused', response, error };
  }
}

/** Credentials that nobody gives must not outlast what they are for. */
function orAborted<T>(give: () => Promise<T>, config: InternalAxiosRequestConfig<unknown>): Promise<T> {
  return new Promise((resolve, reject) => {
    const { signal } = config;
    const onAbort = (): void => reject(new CanceledError(undefined, config));
    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener?.('abort', onAbort);
    give()
      .then(resolve, reject)
      .finally(() => signal?.removeEventListener?.('abort', onAbort));
    return undefined;
  });
}
