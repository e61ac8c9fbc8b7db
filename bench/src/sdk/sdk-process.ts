/** A caller, in a process of its own: axios alone, or this client, on one connection after another. */
import { Agent } from 'node:http';
import v8 from 'node:v8';
import vm from 'node:vm';
import { createClient } from '@slackwater/client-sdk';
import axios from 'axios';
import { answerCalls } from '../child.ts';

/** What the caller can be asked. */
export interface SdkProcess extends Record<string, (...args: never[]) => Promise<unknown>> {
  /** ms per call, of so many calls one after another. */
  axios(path: string, calls: number): Promise<number>;
  /** The same through the client. */
  client(path: string, calls: number): Promise<number>;
  /** Bytes of heap that each of so many calls takes that wait for an hour, and the timers of the platform that they hold; through an instance with an interceptor or one without. */
  waiting(calls: number, isIntercepted: boolean): Promise<{ bytesEach: number; timers: number }>;
}

const body = { sku: 'a-7', amount: 3 };
const longMs = 3_600_000;
const ignored = (): void => {};

await answerCalls<SdkProcess>((baseURL: string) => {
  const httpAgent = new Agent({ keepAlive: true, maxSockets: 50 });
  const alone = axios.create({ baseURL, httpAgent });
  const settings = {
    baseURL,
    axios: { httpAgent },
    retryAfterCapMs: longMs,
    deadlineMs: Number.POSITIVE_INFINITY,
  };
  const client = createClient(settings);
  const intercepted = createClient(settings);
  intercepted.axios.interceptors.request.use((config) => config);
  const refused = async (): Promise<number> => (await alone.get<number>('/refused')).data;
  const timed = async (calls: number, call: () => Promise<unknown>): Promise<number> => {
    const startedAt = performance.now();
    for (let i = 0; i < calls; i++) await call();
    return (performance.now() - startedAt) / calls;
  };
  return {
    axios: (path: string, calls: number) => timed(calls, () => alone.post(path, body)),
    client: (path: string, calls: number) => timed(calls, () => client.post(path, body)),
    async waiting(calls: number, isIntercepted: boolean) {
      const one = isIntercepted ? intercepted : client;
      const begin = async (many: number): Promise<void> => {
        const until = (await refused()) + many;
        for (let i = 0; i < many; i++) one.post('/later', body).catch(ignored);
        while ((await refused()) < until) await new Promise((resolve) => setTimeout(resolve, 1));
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
