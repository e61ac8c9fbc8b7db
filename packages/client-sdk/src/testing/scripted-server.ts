import {
  type AxiosAdapter,
  AxiosError,
  AxiosHeaders,
  CanceledError,
  type InternalAxiosRequestConfig,
} from 'axios';

/** A request as a scripted server sees it. */
export interface ScriptedRequest {
  /** Upper case. */
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it was sent. */
  readonly body: unknown;
  /** How many came before it. */
  readonly nth: number;
}

/** What a scripted server answers; `replies` makes them. */
export type ScriptedReply =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** A text, bytes, or a value that is sent as JSON. */
      readonly body?: unknown;
    }
  /** The connection breaks and no answer comes. `sent` false: it was refused, so that nothing was sent. */
  | { readonly kind: 'broken'; readonly sent: boolean }
  /** No answer ever comes. */
  | { readonly kind: 'silent' };

/** A server that is none: it answers within the process, as its script says. */
export interface ScriptedServer {
  /** To be given to a client: `createClient({ baseURL, axios: { adapter } })`. */
  readonly adapter: AxiosAdapter;
  /** What was asked, in order. */
  readonly seen: readonly ScriptedRequest[];
}

/**
 * Makes a server of a script: replies for the requests in their order, the last for all that come after, or a function that is asked for
 * each.
 */
export function scriptedServer(
  script: readonly ScriptedReply[] | ((request: ScriptedRequest) => ScriptedReply),
): ScriptedServer {
  const seen: ScriptedRequest[] = [];
  const replyTo = (request: ScriptedRequest): ScriptedReply => {
    const reply = typeof script === 'function' ? script(request) : (script[request.nth] ?? script.at(-1));
    return reply ?? { kind: 'answer', status: 500, body: 'the script is empty' };
  };
  const adapter: AxiosAdapter = async (config) => {
    const request = requestOf(config, seen.length);
    seen.push(request);
    return await perform(replyTo(request), config);
  };
  return { adapter, seen };
}

function requestOf(config: InternalAxiosRequestConfig<unknown>, nth: number): ScriptedRequest {
  const url = new URL(config.url ?? '', config.baseURL ?? 'http://scripted.invalid');
  const headers = Object.entries(config.headers.toJSON()).map(([name, value]) => [
    name.toLowerCase(),
    String(value),
  ]);
  for (const [name, value] of Object.entries((config.params ?? {}) as Record<string, unknown>)) {
    if (value !== undefined && value !== null) url.searchParams.append(name, String(value));
  }
  return {
    method: (config.method ?? 'get').toUpperCase(),
    url: url.pathname + url.search,
    headers: Object.fromEntries(headers),
    body: config.data,
    nth,
  };
}

async function perform(
  reply: ScriptedReply,
  config: InternalAxiosRequestConfig<unknown>,
): ReturnType<AxiosAdapter> {
  if (config.signal?.aborted) throw new CanceledError(undefined, undefined, config);
  if (reply.kind === 'silent') return await silence(config);
  // An answer takes at least one turn, as it does over a network.
  await Promise.resolve();
  if (reply.kind === 'broken') {
    const [message, code] = reply.sent ? ['socket hang up', 'ECONNRESET'] : ['connect', 'ECONNREFUSED'];
    throw new AxiosError(message, code, config, {});
  }
  const { status, body } = reply;
  const data = bodyAs(config.responseType, body);
  const headers = new AxiosHeaders({ ...reply.headers });
  const response = { status, statusText: '', headers, data, config, request: {} };
  if (config.validateStatus?.(status) ?? true) return response;
  throw new AxiosError(`status ${status}`, AxiosError.ERR_BAD_RESPONSE, config, {}, response);
}

function bodyAs(responseType: string | undefined, body: unknown): unknown {
  if (body instanceof Uint8Array) return body;
  const text = typeof body === 'string' || body === undefined ? (body ?? '') : JSON.stringify(body);
  return responseType === 'arraybuffer' ? new TextEncoder().encode(text) : text;
}

function silence(config: InternalAxiosRequestConfig<unknown>): Promise<never> {
  return new Promise((_resolve, reject) => {
    config.signal?.addEventListener?.('abort', () => reject(new CanceledError(undefined, undefined, config)));
  });
}
