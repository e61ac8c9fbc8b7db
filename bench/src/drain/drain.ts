import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { type Child, startChild } from '../child.ts';
import { answersPerSecond } from '../load.ts';
import { orderHeaders, orderText } from '../order.ts';
import { scratchFolder } from '../scratch.ts';
import { fewestSamples, medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { Drained, DrainPlace, DrainProcess } from './drain-process.ts';

const script = new URL('drain-process.ts', import.meta.url);

/** The partition: a commit takes so long, and so many are worked at at once. */
const serviceMs = 20;
const parallel = 4;
/** More callers than that, so that the route does what it can. */
const callers = 16;

/** Draining what was deferred. */
export const drain: Benchmark = {
  name: 'drain',
  title: `deferrals drained / the same route asked directly, where ${parallel} commits of ${serviceMs} ms are worked at at once`,
  async measure(run) {
    run.progress('starting PostgreSQL');
    const postgres = await startPostgres();
    const place = { connectionString: postgres.connectionString };
    const few: DrainPlace = { ...place, directory: scratchFolder() };
    const many: DrainPlace = { ...place, directory: scratchFolder() };
    const children: Child<DrainProcess>[] = [];
    try {
      await makeSlow(postgres);
      for (const each of [few, many]) children.push(startChild<DrainProcess>(script, each));
      const [short, long] = children;
      if (short === undefined || long === undefined) throw new Error('There are no servers.');
      const figures = await rates(run, short, long);
      await Promise.all(children.splice(0).map((child) => child.end()));
      return [...figures, ...(await memory(run, few, many, backlogOf(run)))];
    } finally {
      await Promise.all(children.map((child) => child.end()));
      await postgres.stop();
    }
  },
};

const backlogOf = ({ quick }: Run): number => (quick ? 100_000 : 1_000_000);

async function makeSlow({ connectionString }: PostgresServer): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query('CREATE TABLE orders (id bigserial PRIMARY KEY, note text NOT NULL)');
  const slow = await slowCommits(client, ['orders']);
  await slow.set(serviceMs, parallel);
  await client.end();
}

async function rates(
  run: Run,
  short: Child<DrainProcess>,
  long: Child<DrainProcess>,
): Promise<readonly Figure[]> {
  const { quick, progress } = run;
  const [count, forMs, rounds] = quick ? [300, 2_000, fewestSamples] : [600, 3_000, 10];
  const backlog = backlogOf(run);
  const step = backlog / 10;
  for (let n = 0; n < 10; n++) {
    progress(`putting ${shown(n * step)} of ${shown(backlog)} on a queue`);
    await long.ask('fill', step);
  }
  const url = await short.ask('url');
  const drained: Drained[] = [];
  const directUs: number[] = [];
  const take = await inTurn(
    {
      direct: async () => {
        const before = await short.ask('processorUs');
        const perSecond = await answersPerSecond({
          ...{ url, connections: callers, forMs, status: 201 },
          ...{ headers: orderHeaders, body: orderText },
        });
        directUs.push(((await short.ask('processorUs')) - before) / (perSecond * (forMs / 1_000)));
        return perSecond;
      },
      short: async () => {
        const took = await short.ask('drain', count);
        drained.push(took);
        return took.perSecond;
      },
      long: async () => (await long.ask('drain', count)).perSecond,
    },
    rounds,
    (round) => progress(`round ${round + 1} of ${rounds}`),
  );
  const trips = (await short.ask('trips')) + (await long.ask('trips'));
  const each = (of: (one: Drained) => number): number => medianOf(drained.map(of));
  const ms = (of: (one: Drained) => number): string => `${each(of).toFixed(1)} ms`;
  return [
    {
      what: `deferrals drained, ${shown(count)} at a time / requests performed directly by ${callers} callers`,
      unit: 'ratio',
      value: spreadOf(ratios(take.short, take.direct)),
      target: { atLeast: 0.9 },
      note: `${perSecond(take.short)} / ${perSecond(take.direct)}; re-trips: ${trips}`,
    },
    {
      what: `draining a queue of ${shown(backlog)} / one of ${shown(count)}`,
      unit: 'ratio',
      value: spreadOf(ratios(take.long, take.short)),
      note: `${perSecond(take.long)} / ${perSecond(take.short)}`,
    },
    {
      what: 'processor time of a drained deferral, the engine’s thread included',
      unit: 'µs',
      value: spreadOf(drained.map(({ processorUs }) => processorUs)),
      note: `of a request performed directly: ${medianOf(directUs).toFixed(0)} µs`,
    },
    {
      what: 'time of a deferral from its claim on that is not its route’s',
      unit: 'µs',
      value: spreadOf(drained.map((one) => (one.claimMs + one.restMs + one.settleMs) * 1_000)),
      note: `claim ${ms((one) => one.claimMs)}, recording and looking up ${ms((one) => one.restMs)}, settling ${ms((one) => one.settleMs)}; the route ${ms((one) => one.routeMs)}`,
    },
  ];
}

/** What a process has resident that begins with such a queue, and drains some of it. */
async function memory(
  { progress }: Run,
  few: DrainPlace,
  many: DrainPlace,
  backlog: number,
): Promise<readonly Figure[]> {
  const weigh = async (place: DrainPlace): Promise<{ readonly held: number; readonly resident: number }> => {
    const child = startChild<DrainProcess>(script, place);
    try {
      await child.ask('drain', 50);
      return await child.ask('memory');
    } finally {
      await child.end();
    }
  };
  const held: number[] = [];
  const taken = await inTurn(
    {
      few: async () => (await weigh(few)).resident,
      many: async () => {
        const { held: holds, resident } = await weigh(many);
        held.push(holds);
        return resident;
      },
    },
    fewestSamples,
    (round) => progress(`weighing processes that begin with a long queue and with none, ${round + 1}`),
  );
  return [
    {
      what: `memory that a queue of ${shown(backlog)} adds to a process`,
      unit: 'bytes',
      value: spreadOf(taken.many.map((bytes, round) => bytes - (taken.few[round] ?? 0))),
      target: { atMost: 50_000_000 },
      note: `resident: ${mebibytes(taken.many)} / ${mebibytes(taken.few)} MiB, of which ${mebibytes(held)} MiB are heap and buffers`,
    },
  ];
}

const shown = (count: number): string => count.toLocaleString('en');
const mebibytes = (samples: readonly number[]): string => (medianOf(samples) / 1024 ** 2).toFixed(0);
const perSecond = (samples: readonly number[]): string => `${medianOf(samples).toFixed(0)} per second`;
