import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { fewestSamples, medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import { besidePeers, ours, peers } from './peers/beside-peers.ts';
import type { SdkProcess } from './sdk-process.ts';
import type { SdkServer } from './sdk-server.ts';

const serverScript = new URL('sdk-server.ts', import.meta.url);
const processScript = new URL('sdk-process.ts', import.meta.url);
const mostBytes = 2_000;
const mostTime = 1.03;

/** What the client SDK costs. */
export const sdk: Benchmark = {
  name: 'sdk',
  title:
    'calls through the client SDK beside axios, axios-retry, got and ky, also through a brown-out, and what waiting takes',
  packages: peers,
  ours,
  async measure(run) {
    const server = startChild<SdkServer>(serverScript, null);
    try {
      const url = await server.ask('url');
      return [...(await besidePeers(run, url)), ...(await calls(run, url)), ...(await waits(run, url))];
    } finally {
      await server.end();
    }
  },
};

async function calls({ quick, progress }: Run, url: string): Promise<readonly Figure[]> {
  const child = startChild<SdkProcess>(processScript, url);
  try {
    const figures: Figure[] = [];
    for (const [path, what, each] of [
      ['/orders', 'time of a call to a route that takes 5 ms', 20],
      ['/nothing', 'time of a call to a route that does nothing', 100],
    ] as const) {
      progress(what);
      for (const name of ['axios', 'client'] as const) await child.ask(name, path, each);
      const samples = await inTurn(
        { client: () => child.ask('client', path, each), axios: () => child.ask('axios', path, each) },
        // Many short turns: what else the machine does then meets both alike.
        quick ? fewestSamples : 100,
      );
      figures.push({
        what,
        unit: 'ratio',
        value: spreadOf(ratios(samples.client, samples.axios)),
        ...(path === '/orders' ? { target: { atMost: mostTime } } : {}),
        note: `${medianOf(samples.client).toFixed(3)} ms / ${medianOf(samples.axios).toFixed(3)} ms`,
      });
    }
    return figures;
  } finally {
    await child.end();
  }
}

async function waits({ quick, progress }: Run, url: string): Promise<readonly Figure[]> {
  const calls = quick ? 1_000 : 10_000;
  const figures: Figure[] = [];
  for (const isIntercepted of [false, true]) {
    const through = isIntercepted ? ', through an instance with an interceptor' : '';
    const what = `heap that each of ${calls.toLocaleString('en')} calls takes that wait${through}`;
    progress(what);
    const bytes: number[] = [];
    const timers = new Set<number>();
    for (let round = 0; round < fewestSamples; round++) {
      const child = startChild<SdkProcess>(processScript, url);
      try {
        const taken = await child.ask('waiting', calls, isIntercepted);
        bytes.push(taken.bytesEach);
        timers.add(taken.timers);
      } finally {
        await child.end();
      }
    }
    const note = `timers of the platform: ${[...timers].join(', ')}`;
    const target = isIntercepted ? {} : { target: { atMost: mostBytes } };
    figures.push({ what, unit: 'bytes', value: spreadOf(bytes), ...target, note });
  }
  return figures;
}
