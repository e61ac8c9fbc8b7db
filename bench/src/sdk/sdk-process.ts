/** A caller, in a process of its own: axios alone, or this client. */
import { Agent } from 'node:http';
import v8 from 'node:v8';
import vm from 'node:vm';
import { createClient, type Poller } from '@slackwater/client-sdk';
import axios, { type AxiosAdapter, AxiosHeaders } from 'axios';
import { answerCalls } from '../child.ts';

/** What waits. */
export type Waiting = 'refused' | 'refused, intercepted' | 'deferred' | 'poller';

/** Of one round: ms for a call, or µs of processor time. */
export interface Pair {
  readonly axios: number;
  readonly client: number;
}

/** What the caller can be asked. */
export interface SdkProcess extends Record<string, (...args: never[]) => Promise<unknown>> {
  /** ms of a call, in rounds of so many through each, call by call in turn. */
  inTurn(path: string, rounds: number, each: number): Promise<readonly Pair[]>;
  /** µs of processor time of a call that an adapter answers at once, in rounds of so many through each. */
  processorUs(rounds: number, each: number): Promise<readonly Pair[]>;
  /** Bytes of heap that each of so many calls takes that wait for an hour, and the timers of the platform that they hold. */
  waiting(what: Waiting, calls: number): Promise<{ bytesEach: number; timers: number }>;
}

const body = { sku: 'a-7', amount: 3 };
const longMs = 3_600_000;
const ignored = (): void => {};
/** The store of receipts is the caller's choice: its memory is not that of a wait. */
const forgetful = { get: async () => undefined, set: async () => {} };

await answerCalls<SdkProcess>(({ url: baseURL, verifierKey }: { url: string; verifierKey: string }) => {
  const httpAgent = new Agent({ keepAlive: true, maxSockets: 50 });
  const alone = axios.create({ baseURL, httpAgent });
  const patient = { retryAfterCapMs: longMs, deadlineMs: Number.POSITIVE_INFINITY };
  const settings = { baseURL, axios: { httpAgent }, ...patient, receipts: forgetful };
  const client = createClient({ ...settings, verifierKeys: [verifierKey] });
  const intercepted = createClient(settings);
  intercepted.axios.interceptors.request.use((config) => config);
  // What a signature costs to verify is no part of what a wait holds, and ten thousand of them take a while.
  const unverified = createClient(settings);
  const pollers: Poller[] = [];
  const begins: Readonly<Record<Waiting, () => Promise<unknown>>> = {
    refused: () => client.post('/later', body),
    'refused, intercepted': () => intercepted.post('/later', body),
    deferred: () => client.post('/deferred', body),
    poller: async () =>
      pollers.push(await unverified.begin({ method: 'post', url: '/deferred', data: body })),
  };
  const came = async (): Promise<number> => (await alone.get<number>('/waiting')).data;
  return {
    async inTurn(path, rounds, each) {
      const calls = { axios: () => alone.post(path, body), client: () => client.post(path, body) };
      const now = () => performance.now();
      return await pairs(calls, rounds, each, now, 1);
    },
    async processorUs(rounds, each) {
      const ones = {
        axios: axios.create({ adapter }),
        client: createClient({ baseURL, axios: { adapter } }),
      };
      const calls = {
        axios: () => ones.axios.post('/orders', body),
        client: () => ones.client.post('/orders', body),
      };
      const now = (): number => {
        const { user, system } = process.cpuUsage();
        return user + system;
      };
      // Its clock is a coarse one, so turns are long.
      return await pairs(calls, rounds, each, now, each);
    },
    async waiting(what: Waiting, calls: number) {
      const begin = async (many: number): Promise<void> => {
        const until = (await came()) + many;
        for (let i = 0; i < many; i++) begins[what]().catch(ignored);
        while ((await came()) < until) await new Promise((resolve) => setTimeout(resolve, 1));
      };
      await begin(50);
      await settled();
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < calls; i += 50) await begin(50);
      httpAgent.destroy();
      await settled();
      const bytesEach = (process.memoryUsage().heapUsed - before) / calls;
      const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      return { bytesEach, timers };
    },
  };
});

const adapter: AxiosAdapter = async (config) => {
  const headers = AxiosHeaders.from({ 'content-type': 'application/json', 'content-length': '11' });
  return { status: 201, statusText: 'Created', headers, data: '{"order":1}', config };
};

/** So many calls through each of two in each round, in turns of so many: A B, B A, A B. What the machine does besides meets both alike. */
async function pairs(
  calls: Readonly<Record<keyof Pair, () => Promise<unknown>>>,
  rounds: number,
  each: number,
  now: () => number,
  inTurn: number,
): Promise<readonly Pair[]> {
  const taken: Pair[] = [];
  let turn = 0;
  for (let round = 0; round < rounds; round++) {
    const pair = { axios: 0, client: 0 };
    for (let done = 0; done < each; done += inTurn, turn++) {
      const names = turn % 2 === 0 ? (['axios', 'client'] as const) : (['client', 'axios'] as const);
      for (const name of names) {
        const startedAt = now();
        for (let n = 0; n < inTurn; n++) await calls[name]();
        pair[name] += (now() - startedAt) / each;
      }
    }
    taken.push(pair);
  }
  return taken;
}

/** Lets everything end that is under way, and the collector run. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 300));
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  // Shapes of objects are collected some turns after the objects.
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
