import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { createClient } from '@slackwater/client-sdk';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import got from 'got';
import ky from 'ky';

/** Sends one order under a key of its own, by which the server knows a repetition; resolves when it is placed, and rejects where the client gives up. */
export type Caller = (path: string, body: object) => Promise<unknown>;

/** What an attempt and a whole call may take. */
export const callMs = { attempt: 5_000, whole: 12_000 } as const;
const retries = 10;
const whole = (): AbortSignal => AbortSignal.timeout(callMs.whole);
const ofACustomer = { 'x-customer': 'somebody' };
const withKey = () => ({ ...ofACustomer, 'idempotency-key': `"${randomUUID()}"` });
const agent = (): Agent => new Agent({ keepAlive: true, maxSockets: 50 });

/** How each is made. All keep connections, give an attempt 5 s and a call 12 s, and repeat a POST up to 10 times where they can. */
export const callers = {
  'Slackwater SDK': (baseURL) => ofSdk(baseURL, true),
  'Slackwater SDK, never deferred': (baseURL) => ofSdk(baseURL, false),
  axios(baseURL) {
    const client = axios.create({ baseURL, httpAgent: agent(), timeout: callMs.attempt });
    return (path, body) => client.post(path, body, { headers: withKey(), signal: whole() });
  },
  'axios-retry'(baseURL) {
    const client = axios.create({ baseURL, httpAgent: agent(), timeout: callMs.attempt });
    axiosRetry(client, {
      retries,
      retryCondition: axiosRetry.isRetryableError,
      retryDelay: axiosRetry.exponentialDelay,
      shouldResetTimeout: true,
    });
    return (path, body) => client.post(path, body, { headers: withKey(), signal: whole() });
  },
  got(baseURL) {
    const client = got.extend({
      prefixUrl: baseURL,
      agent: { http: agent() },
      timeout: { request: callMs.attempt },
      retry: { limit: retries, methods: ['POST'], maxRetryAfter: callMs.whole },
    });
    return (path, body) =>
      client.post(path.slice(1), { json: body, headers: withKey(), signal: whole() }).json();
  },
  ky(baseURL) {
    const client = ky.create({
      prefix: baseURL,
      timeout: callMs.attempt,
      totalTimeout: callMs.whole,
      retry: { limit: retries, methods: ['post'], jitter: true, retryOnTimeout: true },
    });
    return (path, body) => client.post(path.slice(1), { json: body, headers: withKey() }).json();
  },
} as const satisfies Readonly<Record<string, (baseURL: string) => Caller>>;

export type CallerName = keyof typeof callers;

/** The same in words. */
export const callerSettings: Readonly<Record<string, string>> = {
  'all callers': 'kept connections, an attempt 5 s, a call 12 s, an Idempotency-Key on each call',
  'Slackwater SDK': 'serverKeepsKeys; it allows deferral unless it is "never deferred"',
  axios: 'repeats nothing',
  'axios-retry': '10 retries, isRetryableError (POST too), exponentialDelay, which heeds Retry-After',
  got: '10 retries, POST too, heeds Retry-After',
  ky: '10 retries, POST too, heeds Retry-After, jitter, retryOnTimeout',
};

function ofSdk(baseURL: string, preferAsync: boolean): Caller {
  const client = createClient({
    baseURL,
    axios: { httpAgent: agent() },
    ...{ preferAsync, serverKeepsKeys: true, maxRetries: retries },
    ...{ attemptTimeoutMs: callMs.attempt, deadlineMs: callMs.whole },
  });
  return (path, body) => client.post(path, body, { headers: ofACustomer });
}
