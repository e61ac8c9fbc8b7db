import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { type Child, startChild } from '../child.ts';
import type { Contender as Decider, DecisionProcess } from '../decision/decision-process.ts';
import type { Load, Loaded } from '../load.ts';
import { orderHeaders, orderText } from '../order.ts';
import { pinning } from '../pinned.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import { type Contender, contenders, settings } from './contenders.ts';
import type { LoadProcess } from './load-process.ts';
import type { OverheadServer } from './overhead-server.ts';

const serverScript = new URL('overhead-server.ts', import.meta.url);
const loadScript = new URL('load-process.ts', import.meta.url);
const decisionScript = new URL('../decision/decision-process.ts', import.meta.url);
const connections = 50;

type Taken = Readonly<Record<Contender, Loaded[]>>;

/** What each contender costs a route that nothing is the matter with. */
export const overhead: Benchmark = {
  name: 'overhead',
  title:
    'a healthy Express 5 route with nothing in front, and behind the gate, rate limiters, breakers and load shedders',
  packages: [
    ...['express', 'express-rate-limit', 'rate-limiter-flexible', 'overload-protection', 'opossum'],
    ...['cockatiel', 'autocannon'],
  ],
  ours: 'Slackwater',
  bars: ['answers per second / bare Express', 'in process, for each request'],
  async measure(run) {
    run.tell({
      settings: {
        ...settings,
        load: `${connections} connections, the next request after each answer`,
        processes: pinning(),
      },
    });
    const taken = Object.fromEntries(contenders.map((name) => [name, []])) as unknown as Taken;
    // Two processes of one program are not equally fast: several of each are started.
    const generations = run.quick ? 1 : 2;
    for (let generation = 1; generation <= generations; generation++)
      await loadAll(taken, run, `processes ${generation} of ${generations}`);
    run.progress('deciding in process');
    return [...throughHttp(taken), ...(await inProcess(run))];
  },
};

async function loadAll(taken: Taken, { quick, progress }: Run, what: string): Promise<void> {
  const children: { end(): Promise<void> }[] = [];
  try {
    const load = startChild<LoadProcess>(loadScript, null, 1);
    children.push(load);
    const takes: Partial<Record<Contender, () => Promise<number>>> = {};
    for (const name of contenders) {
      const server: Child<OverheadServer> = startChild(serverScript, name, 0);
      children.push(server);
      const url = await server.ask('url');
      const one: Load = {
        ...{ url, connections, status: 201, headers: orderHeaders, body: orderText },
        forMs: quick ? 200 : 800,
      };
      progress(`${what}, warming up ${name}`);
      await load.ask('take', { ...one, forMs: quick ? 300 : 1_500 });
      takes[name] = async () => taken[name].push(await load.ask('take', one));
    }
    const rounds = quick ? 6 : 8;
    await inTurn(takes as Record<Contender, () => Promise<number>>, rounds, (round) =>
      progress(`${what}, round ${round + 1} of ${rounds}`),
    );
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

function throughHttp(taken: Taken): readonly Figure[] {
  const of = (name: Contender, value: (each: Loaded) => number): number[] => taken[name].map(value);
  const perSecond = (name: Contender): number[] => of(name, (each) => each.perSecond);
  return contenders.flatMap((who): readonly Figure[] => [
    {
      ...{ who, what: 'answers per second / bare Express', unit: 'ratio' },
      ...(who === 'bare Express' ? {} : { better: 'more' }),
      value: spreadOf(ratios(perSecond(who), perSecond('bare Express'))),
      ...(who === 'Slackwater' ? { target: { atLeast: 0.97 } } : {}),
    },
    { who, what: 'answers per second', unit: 'per second', value: spreadOf(perSecond(who)) },
    { who, what: 'p50', unit: 'ms', value: spreadOf(of(who, (each) => each.p50Ms)) },
    { who, what: 'p99', unit: 'ms', value: spreadOf(of(who, (each) => each.p99Ms)) },
  ]);
}

/** Who is what in the process that decides. */
const deciders: readonly (readonly [Contender, Decider])[] = [
  ['Slackwater', 'usual'],
  ['express-rate-limit', 'rateLimit'],
  ['rate-limiter-flexible', 'flexible'],
  ['overload-protection', 'overload'],
  ['opossum', 'opossum'],
  ['cockatiel', 'cockatiel'],
];

async function inProcess({ quick }: Run): Promise<readonly Figure[]> {
  const child = startChild<DecisionProcess>(decisionScript, null);
  try {
    const taken = await child.ask('compare', quick ? 40 : 200);
    const decision: Figure = {
      ...{ what: "of Slackwater's, the decision alone", unit: 'ns', value: spreadOf(taken.decide) },
      note: `${Math.round((100 * medianOf(taken.decide)) / medianOf(taken.usual))} % of its whole time; the rest carries the request's context to the drivers`,
    };
    const each = deciders.map(([who, decider]): Figure => {
      return {
        who,
        what: 'in process, for each request',
        unit: 'ns',
        better: 'less',
        value: spreadOf(taken[decider]),
      };
    });
    return [...each, decision];
  } finally {
    await child.end();
  }
}
