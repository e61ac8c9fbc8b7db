import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { type Child, startChild } from '../child.ts';
import { answersPerSecond, type Load } from '../load.ts';
import { orderHeaders, orderText } from '../order.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { InFront, RouteServer } from './route-server.ts';

const script = new URL('route-server.ts', import.meta.url);
const fronts = ['nothing', 'usual gate', 'bare gate'] as const satisfies readonly InFront[];
const load = { connections: 50, status: 201, headers: orderHeaders } as const;

/** The routes: one like those that the gate is for, and one beside which it weighs as much as it can. */
const paths = { order: '/orders', note: '/orders/1/notes' } as const;
type Route = keyof typeof paths;

/** Samples of one server and route: answers per second, and processor time for each answer in µs. */
interface Taken {
  readonly rate: number[];
  readonly cpuUs: number[];
}

type AllTaken = Readonly<Record<InFront, Readonly<Record<Route, Taken>>>>;

/** Throughput of routes, with the load made by another process than the server's. */
export const route: Benchmark = {
  name: 'route',
  title: 'answers per second of an Express 5 route behind the healthy gate / of the bare route',
  async measure(run) {
    const taken: AllTaken = { nothing: none(), 'usual gate': none(), 'bare gate': none() };
    // Two processes of one program are not equally fast: several of each are started.
    const generations = run.quick ? 1 : 2;
    for (let generation = 1; generation <= generations; generation++) {
      const servers = fronts.map((inFront) => startChild<RouteServer>(script, { inFront }));
      try {
        await loadAll(servers, taken, run, `processes ${generation} of ${generations}`);
      } finally {
        await Promise.all(servers.map((server) => server.end()));
      }
    }
    const target = { atLeast: 0.97 };
    return [
      { ...figureOf(taken, 'usual gate', 'order', 'work types, routes, deferring; JSON body'), target },
      { ...figureOf(taken, 'bare gate', 'order', 'no options; JSON body'), target },
      figureOf(taken, 'usual gate', 'note', 'work types, routes, deferring; empty route'),
      figureOf(taken, 'bare gate', 'note', 'no options; empty route'),
    ];
  },
};

async function loadAll(
  servers: readonly Child<RouteServer>[],
  taken: AllTaken,
  { quick, progress }: Run,
  what: string,
): Promise<void> {
  const urls = await Promise.all(servers.map((server) => server.ask('url')));
  const takes: Record<string, () => Promise<number>> = {};
  for (const [at, front] of fronts.entries()) {
    const [server, url] = [servers[at], urls[at]];
    if (server === undefined || url === undefined) throw new RangeError(`There is no server ${at}.`);
    for (const name of ['order', 'note'] as const) {
      const body = name === 'order' ? { body: orderText } : {};
      const one: Load = { ...load, ...body, url: `${url}${paths[name]}`, forMs: quick ? 200 : 1_000 };
      progress(`${what}, warming up`);
      await answersPerSecond({ ...one, forMs: quick ? 300 : 1_000 });
      takes[`${front} ${name}`] = () => take(server, one, taken[front][name]);
    }
  }
  await inTurn(takes, quick ? 6 : 5, (round) => progress(`${what}, round ${round + 1}`));
}

async function take(server: Child<RouteServer>, one: Load, { rate, cpuUs }: Taken): Promise<number> {
  const before = await server.ask('cpuUs');
  const perSecond = await answersPerSecond(one);
  cpuUs.push(((await server.ask('cpuUs')) - before) / ((perSecond * one.forMs) / 1_000));
  rate.push(perSecond);
  return perSecond;
}

function figureOf(taken: AllTaken, front: InFront, name: Route, what: string): Figure {
  const gated = taken[front][name];
  const bare = taken.nothing[name];
  const rates = `${Math.round(medianOf(gated.rate))} / ${Math.round(medianOf(bare.rate))}`;
  const cpuUs = `${medianOf(gated.cpuUs).toFixed(1)} / ${medianOf(bare.cpuUs).toFixed(1)} µs of processor time each`;
  return { what, unit: 'ratio', value: spreadOf(ratios(gated.rate, bare.rate)), note: `${rates}; ${cpuUs}` };
}

function none(): Record<Route, Taken> {
  return { order: { rate: [], cpuUs: [] }, note: { rate: [], cpuUs: [] } };
}
