import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { fewestSamples, medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import { type Arena, type ContenderName, contenders, settings, startArena } from './contenders.ts';

const callers = 256;
const perBatch = 1_000;
const names = Object.keys(contenders) as ContenderName[];
const peers: readonly ContenderName[] = ['pg-boss', 'graphile-worker', 'BullMQ'];
const peersOnPostgres: readonly ContenderName[] = ['pg-boss', 'graphile-worker'];
const ours: readonly ContenderName[] = names.filter((name) => !peers.includes(name));
const atLeastTwice = { atLeast: 2 } as const;

type Rates = Readonly<Record<ContenderName, readonly number[]>>;

/** Durable queues beside each other. */
export const queue: Benchmark = {
  name: 'queue',
  title: 'durable enqueue and perform per second of a no-op, beside pg-boss, graphile-worker and BullMQ',
  packages: ['pg-boss', 'graphile-worker', 'bullmq', 'ioredis', 'pg'],
  ours: 'Slackwater, embedded',
  async measure(run) {
    const arena = await startArena(run.progress);
    try {
      run.tell({ settings, versions: arena.versions });
      return await takeAll(run, arena);
    } finally {
      await arena.end();
    }
  },
};

async function takeAll({ quick, progress }: Run, { children }: Arena): Promise<readonly Figure[]> {
  const forMs = quick ? 150 : 600;
  const rounds = quick ? fewestSamples : 8;
  const take = async (
    what: string,
    rate: (child: Arena['children'][ContenderName]) => Promise<number>,
  ): Promise<Rates> => {
    const takes = Object.fromEntries(names.map((name) => [name, () => rate(children[name])])) as Record<
      ContenderName,
      () => Promise<number>
    >;
    progress(`${what}, warming up`);
    for (const name of names) await takes[name]();
    return inTurn(takes, rounds, (round) => progress(`${what}, round ${round + 1} of ${rounds}`));
  };
  const one = await take('one each', (child) => child.ask('enqueue', callers, forMs));
  const many = await take('batches', (child) => child.ask('enqueueMany', perBatch, forMs));
  const done = await take('performing', (child) => child.ask('perform', forMs));
  return [
    ...table(`enqueued by ${callers} callers, one job each`, one),
    ...table(`enqueued in batches of ${perBatch.toLocaleString('en')}`, many),
    ...table('performed', done),
    ...ours.map((name) => against('enqueued', one, name, peers, name === 'Slackwater, embedded')),
    against('enqueued', one, 'Slackwater, PostgreSQL', peersOnPostgres),
    ...ours.map((name) => against('performed', done, name, peers)),
  ];
}

function table(what: string, rates: Rates): readonly Figure[] {
  return names.map((who) => ({
    ...{ who, what, unit: 'per second', better: 'more' },
    value: spreadOf(rates[who]),
    note: contenders[who],
  }));
}

/** One of ours beside the best of others, round by round. */
function against(
  what: string,
  rates: Rates,
  who: ContenderName,
  others: readonly ContenderName[],
  isAimedAt = false,
): Figure {
  const best = others.reduce((a, b) => (medianOf(rates[b]) > medianOf(rates[a]) ? b : a));
  const among = others === peersOnPostgres ? 'the best on PostgreSQL' : 'the best of the others';
  return {
    what: `${what}: ${who} / ${among}`,
    unit: 'ratio',
    value: spreadOf(ratios(rates[who], rates[best])),
    note: best,
    ...(isAimedAt ? { target: atLeastTwice } : {}),
  };
}
