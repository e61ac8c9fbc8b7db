/** Those who call, in a process of their own: each call is made when its time has come, whatever became of those before. */
import { subscribe } from 'node:diagnostics_channel';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@slackwater/client-sdk';
import axios, { type AxiosInstance } from 'axios';
import axiosRetry, { exponentialDelay, isNetworkOrIdempotentRequestError } from 'axios-retry';
import { answerCalls } from '../child.ts';
import { arrivals, type Contender, type Phases, type WorkType } from './scenario.ts';
import { patience } from './settings.ts';

/** What the callers are given. */
export interface CallersSetup {
  readonly contender: Contender;
  readonly url: string;
  readonly phases: Phases;
}

/** What became of a call, for the one who made it. */
export type Ending = 'answered' | 'failed' | 'timed out';

/** A call from its beginning to its end, ms since the first phase began. Its number is its place in the list. */
export interface Call {
  readonly workType: WorkType;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly ending: Ending;
}

/** What all callers saw. */
export interface Seen {
  readonly calls: readonly Call[];
  /** Requests sent in each second, repetitions and questions how a deferral does included. */
  readonly sent: readonly number[];
}

/** What they can be asked. */
export interface CallersProcess {
  /** A few calls before it begins, so that connections are made and code is compiled. */
  warmUp(): Promise<void>;
  /** Makes all calls; resolves when the last has ended. */
  call(): Promise<Seen>;
}

type Send = (
  workType: WorkType,
  body: unknown,
  headers: Readonly<Record<string, string>>,
) => Promise<unknown>;

function make({ contender, url, phases }: CallersSetup): CallersProcess {
  const httpAgent = new Agent({ keepAlive: true });
  const sent: number[] = [];
  let zeroAt = performance.now();
  // Every request, whichever client sends it.
  subscribe('http.client.request.start', () => {
    const second = Math.floor((performance.now() - zeroAt) / 1_000);
    sent[second] = (sent[second] ?? 0) + 1;
  });
  const send =
    contender === 'Slackwater'
      ? bySdk(url, httpAgent)
      : byAxiosRetry(axios.create({ baseURL: url, httpAgent, timeout: patience.attemptMs }));

  async function callOnce(call: string, workType: WorkType): Promise<Ending> {
    try {
      await send(workType, { call }, { 'x-customer': `customer ${Number(call) % 20}` });
      return 'answered';
    } catch (error) {
      return isTimeout(error) ? 'timed out' : 'failed';
    }
  }

  return {
    async warmUp() {
      for (let n = 1; n <= 40; n++) await callOnce(`-${n}`, 'order');
    },
    async call() {
      zeroAt = performance.now();
      sent.length = 0;
      const over = sleep(
        phases.healthyMs + phases.slowMs + phases.afterMs + patience.graceMs,
        'timed out' as const,
      );
      const calls = await Promise.all(
        arrivals(phases).map(async ({ atMs, workType }, number): Promise<Call> => {
          await sleep(Math.max(0, atMs - (performance.now() - zeroAt)));
          const beganMs = performance.now() - zeroAt;
          const ending = await Promise.race([callOnce(String(number), workType), over]);
          return { workType, beganMs, endedMs: performance.now() - zeroAt, ending };
        }),
      );
      return { calls, sent: Array.from(sent, (value) => value ?? 0) };
    },
  };
}

function byAxiosRetry(instance: AxiosInstance): Send {
  axiosRetry(instance, {
    ...{ retries: patience.retries, shouldResetTimeout: true },
    retryCondition: (error) =>
      isNetworkOrIdempotentRequestError(error) ||
      error.code === 'ECONNABORTED' ||
      error.response === undefined ||
      [408, 429].includes(error.response.status) ||
      error.response.status >= 500,
    // By itself it waits at least as long as Retry-After says.
    retryDelay: (retry, error) => exponentialDelay(retry, error, 200),
  });
  return (workType, body, headers) => instance.post(`/${workType}s`, body, { headers });
}

function bySdk(baseURL: string, httpAgent: Agent): Send {
  const client = createClient({
    ...{ baseURL, deadlineMs: patience.deadlineMs, attemptTimeoutMs: patience.attemptMs },
    axios: { httpAgent },
  });
  // Of deferrable routes it is known that they do what has a key once.
  const orders = { slackwater: { serverKeepsKeys: true } };
  return (workType, body, headers) =>
    client.post(`/${workType}s`, body, { headers, ...(workType === 'order' ? orders : {}) });
}

function isTimeout(error: unknown): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return code === 'ECONNABORTED' || code === 'ETIMEDOUT' || code === 'deadline-exceeded';
}

await answerCalls<CallersProcess>(async (setup: CallersSetup) => make(setup));
