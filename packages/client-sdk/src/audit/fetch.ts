import type { AxiosResponse } from 'axios';

/** How a resource is asked for. */
export interface Asked {
  readonly params?: Readonly<Record<string, unknown>>;
  /** Default `json`, which leaves other texts as they are. */
  readonly as?: 'json' | 'text' | 'bytes' | 'stream';
  readonly accept?: string;
}

/** Fetches a resource under the gate's base path, as the caller's instance would. */
export type FetchResource = (
  path: string,
  asked?: Asked,
) => Promise<Pick<AxiosResponse<unknown>, 'data' | 'headers'>>;
