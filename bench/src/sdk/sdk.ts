import { startPostgres } from '@slackwater/test-support/postgres';
import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { type Child, startChild } from '../child.ts';
import { onCores } from '../cores.ts';
import { pinning } from '../pinned.ts';
import { fewestSamples, medianOf, once, ratios, spreadOf } from '../statistics.ts';
import { besidePeers, ours, peers } from './peers/beside-peers.ts';
import type { Pair, SdkProcess, Waiting } from './sdk-process.ts';
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
    run.tell({
      settings: {
        'healthy route':
          'Express 5: parses a JSON body, has PostgreSQL sleep for 4 ms (pg_sleep) as for a query, inserts a row, which it commits to its disk, answers with its number',
        'route that only inserts': 'the same without the sleep; the database is on the same machine',
        'beside axios alone':
          'both in one process, call by call in turn, one at a time over a kept connection',
        processes: pinning(),
      },
    });
    run.progress('starting PostgreSQL');
    const postgres = await onCores('server', () => startPostgres());
    const server = startChild<SdkServer>(serverScript, postgres.connectionString, 0);
    try {
      const [url, verifierKey] = [await server.ask('url'), await server.ask('verifierKey')];
      const caller = (): Child<SdkProcess> => startChild<SdkProcess>(processScript, { url, verifierKey }, 1);
      // Fewer things are under way before the peers are there.
      const own = [...(await besideAxios(run, caller())), ...(await waits(run, caller))];
      return [...(await besidePeers(run, url)), ...own];
    } finally {
      await server.end();
      await postgres.stop();
    }
  },
};

async function besideAxios({ quick, progress }: Run, child: Child<SdkProcess>): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const add = (
    what: string,
    unit: 'ms' | 'µs',
    pairs: readonly Pair[],
    target?: { atMost: number },
  ): void => {
    const [client, alone] = [pairs.map(({ client }) => client), pairs.map(({ axios }) => axios)];
    const note = `${medianOf(client).toFixed(3)} ${unit} / ${medianOf(alone).toFixed(3)} ${unit}`;
    const value = spreadOf(ratios(client, alone));
    figures.push({ what, unit: 'ratio', value, note, ...(target === undefined ? {} : { target }) });
  };
  try {
    for (const [path, what, rounds, target] of [
      [
        '/orders/priced',
        'time of a call to a healthy route of some 5 ms, by that of axios alone',
        250,
        { atMost: mostTime },
      ],
      ['/orders', 'the same of a route that only inserts', 600, undefined],
      ['/nothing', 'the same of a route that does nothing', 400, undefined],
    ] as const) {
      progress(what);
      await child.ask('inTurn', path, 1, quick ? 50 : 300);
      add(what, 'ms', await child.ask('inTurn', path, quick ? fewestSamples : rounds, 10), target);
    }
    const what = 'processor time of a call that is answered at once, within the process';
    progress(what);
    await child.ask('processorUs', 1, quick ? 500 : 5_000);
    add(what, 'µs', await child.ask('processorUs', quick ? fewestSamples : 50, 500));
    return figures;
  } finally {
    await child.end();
  }
}

/** What waits, and how many. */
const kinds = {
  refused: ['after a refusal', 10_000],
  deferred: ['for their deferral, with verifier keys', 10_000],
  'refused, intercepted': ['after a refusal, through an instance with an interceptor', 2_000],
  poller: ['with a poller that nobody waits with yet', 2_000],
} as const satisfies Readonly<Record<Waiting, readonly [string, number]>>;

async function waits({ quick, progress }: Run, caller: () => Child<SdkProcess>): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const kind of Object.keys(kinds) as Waiting[]) {
    const [why, most] = kinds[kind];
    const calls = quick ? 1_000 : most;
    const what = `heap that each of ${calls.toLocaleString('en')} calls takes that wait ${why}`;
    progress(what);
    const child = caller();
    try {
      const { bytesEach, timers } = await child.ask('waiting', kind, calls);
      const note = `timers of the platform: ${timers}`;
      const target = most === 10_000 ? { target: { atMost: mostBytes } } : {};
      figures.push({ what, unit: 'bytes', value: once(Math.round(bytesEach)), ...target, note });
    } finally {
      await child.end();
    }
  }
  return figures;
}
