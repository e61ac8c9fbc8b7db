import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { type Child, startChild } from '../child.ts';
import type { Load } from '../load.ts';
import { orderHeaders, orderText } from '../order.ts';
import type { LoadProcess } from '../overhead/load-process.ts';
import { pinning } from '../pinned.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { InFront, RouteServer } from './route-server.ts';

const serverScript = new URL('route-server.ts', import.meta.url);
const loadScript = new URL('../overhead/load-process.ts', import.meta.url);
const together = [
  'nothing',
  'nothing again',
  'context alone',
  'usual gate',
  'bare gate',
] as const satisfies readonly InFront[];
const apart = ['nothing', 'usual gate', 'bare gate'] as const satisfies readonly InFront[];
const connections = 50;
const load = { connections, status: 201, headers: orderHeaders } as const;

/** The routes: one like those that the gate is for, and one beside which it weighs as much as it can. */
const paths = { order: '/orders', note: '/orders/1/notes' } as const;
type Route = keyof typeof paths;

const inWords: Readonly<Record<Exclude<InFront, 'nothing'>, string>> = {
  'nothing again': 'nothing in front, for comparison',
  'context alone': 'for comparison a middleware that does nothing but AsyncLocalStorage.run',
  'usual gate': 'gate with work types, routes, deferring',
  'bare gate': 'gate without options',
};
const routeInWords: Readonly<Record<Route, string>> = { order: 'JSON body', note: 'empty route' };

/** Samples of one application and route: answers per second, and processor time for each answer in µs. */
interface Taken {
  readonly rate: number[];
  readonly cpuUs: number[];
}

type AllTaken = Readonly<Record<InFront, Readonly<Record<Route, Taken>>>>;

/** How often each is asked, and for how long each time. */
interface Turns {
  readonly warmUpMs: number;
  readonly forMs: number;
  readonly rounds: number;
}

/** Throughput of routes, with the load made by another process than the server's. */
export const route: Benchmark = {
  name: 'route',
  title: 'answers per second of an Express 5 route behind the healthy gate / of the bare route',
  packages: ['express', 'autocannon'],
  async measure(run) {
    const { quick, tell } = run;
    tell({
      settings: {
        'in one process':
          'one application in one server process, with this or that in front of its routes by turns, a quarter of a second each',
        'in processes of their own': 'one server process for each application, asked for a second each',
        load: `${connections} connections, the next request after each answer`,
        processes: pinning(),
      },
    });
    const inOne = none();
    await takeFrom([together], inOne, run, 'one process', {
      warmUpMs: quick ? 300 : 1_000,
      forMs: quick ? 100 : 250,
      rounds: quick ? 6 : 50,
    });
    const inSeveral = none();
    // Two processes of one program are not equally fast: several of each are started.
    const generations = quick ? 1 : 2;
    for (let generation = 1; generation <= generations; generation++) {
      await takeFrom(
        apart.map((front) => [front]),
        inSeveral,
        run,
        `processes ${generation} of ${generations}`,
        quick ? { warmUpMs: 300, forMs: 200, rounds: 6 } : { warmUpMs: 1_000, forMs: 1_000, rounds: 5 },
      );
    }
    return [
      ...figuresOf(inOne, together, 'in one process'),
      ...figuresOf(inSeveral, apart, 'in processes of their own'),
    ];
  },
};

/** Starts a server process for each of these lists of what may stand in front, and asks all in turn. */
async function takeFrom(
  processes: readonly (readonly InFront[])[],
  taken: AllTaken,
  { progress }: Run,
  what: string,
  { warmUpMs, forMs, rounds }: Turns,
): Promise<void> {
  const children: { end(): Promise<void> }[] = [];
  try {
    const loader = startChild<LoadProcess>(loadScript, null, 1);
    children.push(loader);
    const takes: Record<string, () => Promise<number>> = {};
    for (const held of processes) {
      const server = startChild<RouteServer>(serverScript, held, 0);
      children.push(server);
      const url = await server.ask('url');
      for (const name of ['order', 'note'] as const) {
        const body = name === 'order' ? { body: orderText } : {};
        const one: Load = { ...load, ...body, url: `${url}${paths[name]}`, forMs };
        for (const front of held) {
          progress(`${what}, warming up`);
          await server.ask('putInFront', front);
          await loader.ask('take', { ...one, forMs: warmUpMs });
          takes[`${front} ${name}`] = async () => {
            await server.ask('putInFront', front);
            return take(server, loader, one, taken[front][name]);
          };
        }
      }
    }
    await inTurn(takes, rounds, (round) => progress(`${what}, round ${round + 1} of ${rounds}`));
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

async function take(
  server: Child<RouteServer>,
  loader: Child<LoadProcess>,
  one: Load,
  { rate, cpuUs }: Taken,
): Promise<number> {
  const before = await server.ask('cpuUs');
  const { perSecond } = await loader.ask('take', one);
  cpuUs.push(((await server.ask('cpuUs')) - before) / ((perSecond * one.forMs) / 1_000));
  rate.push(perSecond);
  return perSecond;
}

function figuresOf(taken: AllTaken, fronts: readonly InFront[], where: string): readonly Figure[] {
  return (['order', 'note'] as const).flatMap((name) =>
    fronts
      .filter((front) => front !== 'nothing')
      .map((front): Figure => {
        const hasTarget = name === 'order' && front.endsWith('gate');
        const figure = figureOf(taken, front, name, `${inWords[front]}; ${routeInWords[name]}; ${where}`);
        return hasTarget ? { ...figure, target: { atLeast: 0.97 } } : figure;
      }),
  );
}

function figureOf(taken: AllTaken, front: InFront, name: Route, what: string): Figure {
  const gated = taken[front][name];
  const bare = taken.nothing[name];
  const rates = `${Math.round(medianOf(gated.rate))} / ${Math.round(medianOf(bare.rate))}`;
  const cpuUs = `${medianOf(gated.cpuUs).toFixed(1)} / ${medianOf(bare.cpuUs).toFixed(1)} µs of processor time each`;
  return { what, unit: 'ratio', value: spreadOf(ratios(gated.rate, bare.rate)), note: `${rates}; ${cpuUs}` };
}

function none(): AllTaken {
  const each = (): Record<Route, Taken> => ({
    order: { rate: [], cpuUs: [] },
    note: { rate: [], cpuUs: [] },
  });
  return Object.fromEntries(together.map((front) => [front, each()])) as unknown as AllTaken;
}
