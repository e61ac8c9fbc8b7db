import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { type Child, startChild } from '../child.ts';
import { answersPerSecond } from '../load.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { InFront, RouteServer } from './route-server.ts';

const title = 'an Express 5 route behind the healthy gate / the bare route';
const script = new URL('route-server.ts', import.meta.url);
const connections = 50;
const fronts = ['nothing', 'usual gate', 'bare gate'] as const satisfies readonly InFront[];

/** Samples of one round: answers per second, and processor time for each answer in µs. */
interface Taken {
  readonly rate: Record<InFront, number[]>;
  readonly cpuUs: Record<InFront, number[]>;
}

/** Throughput of a route, with the load made by another process than the server's. */
export const route: Benchmark = {
  name: 'route',
  title,
  async measure(run) {
    const taken: Taken = { rate: none(), cpuUs: none() };
    // Two processes of one program are not equally fast: several of each are started.
    const generations = run.quick ? 1 : 3;
    for (let generation = 1; generation <= generations; generation++) {
      const servers = fronts.map((inFront) => startChild<RouteServer>(script, { inFront }));
      try {
        await loadAll(servers, taken, run, `processes ${generation} of ${generations}`);
      } finally {
        await Promise.all(servers.map((server) => server.end()));
      }
    }
    return [
      ...figuresOf(taken, 'usual gate', 'with work types, routes and deferring'),
      ...figuresOf(taken, 'bare gate', 'without options'),
    ];
  },
};

async function loadAll(
  servers: readonly Child<RouteServer>[],
  { rate, cpuUs }: Taken,
  run: Run,
  what: string,
): Promise<void> {
  const urls = await Promise.all(servers.map((server) => server.ask('url')));
  const load = { connections, status: 201 };
  run.progress(`${what}, warming up`);
  for (const url of urls) await answersPerSecond({ ...load, url, forMs: run.quick ? 300 : 1_500 });
  const take = async (at: number): Promise<number> => {
    const [server, url, front] = [servers[at], urls[at], fronts[at]];
    if (server === undefined || url === undefined || front === undefined)
      throw new RangeError(`no server ${at}`);
    const before = await server.ask('cpuUs');
    const forMs = run.quick ? 300 : 800;
    const perSecond = await answersPerSecond({ ...load, url, forMs });
    cpuUs[front].push(((await server.ask('cpuUs')) - before) / ((perSecond * forMs) / 1_000));
    return perSecond;
  };
  const taken = await inTurn(
    { nothing: () => take(0), 'usual gate': () => take(1), 'bare gate': () => take(2) },
    run.quick ? 6 : 5,
    (round) => run.progress(`${what}, round ${round + 1}`),
  );
  for (const front of fronts) rate[front].push(...taken[front]);
}

function figuresOf({ rate, cpuUs }: Taken, front: InFront, words: string): readonly Figure[] {
  const [gated, bare] = [medianOf(rate[front]), medianOf(rate.nothing)].map(Math.round);
  const [gatedUs, bareUs] = [medianOf(cpuUs[front]), medianOf(cpuUs.nothing)].map((us) => us.toFixed(1));
  return [
    {
      what: `answers per second, ${words}`,
      unit: 'ratio',
      value: spreadOf(ratios(rate[front], rate.nothing)),
      target: { atLeast: 0.97 },
      note: `${gated} / ${bare}`,
    },
    {
      what: `answers per processor time, ${words}`,
      unit: 'ratio',
      value: spreadOf(ratios(cpuUs.nothing, cpuUs[front])),
      note: `${gatedUs} µs an answer / ${bareUs} µs`,
    },
  ];
}

function none(): Record<InFront, number[]> {
  return { nothing: [], 'usual gate': [], 'bare gate': [] };
}
