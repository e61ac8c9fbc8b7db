import { lookup as lookUp } from 'node:dns';
import { type ClientRequest, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../../clock.ts';
import { isPublicAddress, notPublic, whyNotAllowed } from './allowed-address.ts';
import type { WebhookPolicy } from './webhook-types.ts';

/** What became of one try at sending a message. */
export type PostResult =
  | { readonly kind: 'answered'; readonly status: number }
  /** No answer came; another try may get one. */
  | { readonly kind: 'failed'; readonly message: string }
  /** It must not be sent there. */
  | { readonly kind: 'refused'; readonly message: string };

/** What is sent. */
export interface Message {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * Sends a message, once. Redirections are not followed, nothing of the answer but its status is read, and the address is
 * judged when it is connected to: what a name resolves to may be another one each time. Never rejects.
 */
export function postMessage(
  { url, headers, body }: Message,
  policy: WebhookPolicy,
  clock: Pick<Clock, 'after'>,
  signal: AbortSignal,
): Promise<PostResult> {
  const refused = whyNotAllowed(url, policy);
  if (refused !== undefined) return Promise.resolve({ kind: 'refused', message: refused });
  return new Promise((resolve) => {
    const request = new URL(url).protocol === 'https:' ? requestHttps : requestHttp;
    let outgoing: ClientRequest | undefined;
    const finish = (result: PostResult): void => {
      timer.cancel();
      signal.removeEventListener('abort', abort);
      outgoing?.destroy();
      resolve(result);
    };
    const abort = (): void => finish({ kind: 'failed', message: 'the gate closes' });
    const timer = clock.after(policy.timeoutMs, () =>
      finish({ kind: 'failed', message: `no answer within ${policy.timeoutMs} ms` }),
    );
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) return abort();
    try {
      outgoing = request(url, {
        method: 'POST',
        headers: { ...headers, 'content-length': body.byteLength },
        // A connection of its own each time: a kept one would lead to an address that was judged long ago.
        agent: false,
        ...(policy.privateAddresses ? {} : { lookup: publicOnly }),
      });
      outgoing.on('response', ({ statusCode = 0 }) => finish({ kind: 'answered', status: statusCode }));
      outgoing.on('error', (error) => finish({ kind: 'failed', message: reasonOf(error) }));
      outgoing.end(body);
    } catch (error) {
      finish({ kind: 'failed', message: reasonOf(error) });
    }
  });
}

/** The name resolves to an address that is not public, whichever of them would be taken. */
class NotPublicError extends Error {}

const publicOnly: LookupFunction = (hostname, options, callback) => {
  lookUp(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, []);
    if (addresses.some(({ address }) => !isPublicAddress(address))) {
      return callback(new NotPublicError(notPublic), []);
    }
    const [first] = addresses;
    if (options.all === true || first === undefined) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};

/** Messages of Node's errors name host and port; their codes do not. */
function reasonOf(error: unknown): string {
  if (error instanceof NotPublicError) return notPublic;
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'it failed';
}
