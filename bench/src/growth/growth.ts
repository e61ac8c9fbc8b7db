import { withStalledOrders } from '../acceptance/stalled-orders.ts';
import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { startChild } from '../child.ts';
import type { DecisionProcess } from '../decision/decision-process.ts';
import { fewestSamples, medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { MemoryProcess } from './memory-process.ts';

const memoryScript = new URL('memory-process.ts', import.meta.url);
const decisionScript = new URL('../decision/decision-process.ts', import.meta.url);

/** How costs grow with what there is: partitions, a backlog, a ledger. */
export const growth: Benchmark = {
  name: 'growth',
  title: 'how costs grow: much / little',
  async measure(run) {
    return [...(await withPartitions(run)), ...(await memory(run)), ...(await withBacklog(run))];
  },
};

async function withPartitions({ quick, progress }: Run): Promise<readonly Figure[]> {
  progress('deciding for many partitions');
  const child = startChild<DecisionProcess>(decisionScript, null);
  try {
    const taken = await child.ask('partitions', quick ? 20 : 150);
    const against = (what: string, many: readonly number[], one: readonly number[]): Figure => ({
      what,
      unit: 'ratio',
      value: spreadOf(ratios(many, one)),
      note: `${Math.round(medianOf(many))} ns / ${Math.round(medianOf(one))} ns`,
    });
    return [
      against('asking with 100 partitions / with 1', taken.askHundred, taken.askOne),
      against('asking with 10,000 partitions / with 1', taken.askTenThousand, taken.askOne),
      against('one look-up in a map of 10,000 names / of 1', taken.lookUpTenThousand, taken.lookUpOne),
      against('the whole gate with 100 partitions / with 1', taken.hundred, taken.one),
      against('the whole gate with 10,000 partitions / with 1', taken.tenThousand, taken.one),
    ];
  } finally {
    await child.end();
  }
}

/** What a partition takes, in a process of its own for each round. */
async function memory({ quick, progress }: Run): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const [kinds, what] of [
    ['explicit', 'memory of a partition with a full window'],
    ['both', 'memory of a partition with two, of explicit commits and of autocommit writes'],
  ] as const) {
    progress(what);
    const samples: number[] = [];
    const partitions = quick ? 500 : 5_000;
    for (let round = 0; round < fewestSamples; round++) {
      const child = startChild<MemoryProcess>(memoryScript, null);
      try {
        samples.push(await child.ask('bytesEach', partitions, kinds));
      } finally {
        await child.end();
      }
    }
    figures.push({
      what,
      unit: 'bytes',
      value: spreadOf(samples),
      target: { atMost: 8_192 },
      note: `of ${partitions.toLocaleString('en')}, each asked for once, heap and buffers`,
    });
  }
  return figures;
}

/** The one has a backlog and a ledger of that size, the other begins with nothing. */
async function withBacklog({ quick, progress }: Run): Promise<readonly Figure[]> {
  const backlog = quick ? 5_000 : 100_000;
  progress('starting PostgreSQL, and stalling it');
  return withStalledOrders(2, async ([full, empty]) => {
    if (full === undefined || empty === undefined) throw new Error('There are no servers.');
    const step = backlog / 20;
    for (let n = 0; n < 20; n++) {
      progress(`deferring ${(n * step).toLocaleString('en')} of ${backlog.toLocaleString('en')}`);
      await full.ask('accept', step);
    }
    progress('accepting with and without a backlog');
    await empty.ask('accept', 2_000);
    const rounds = quick ? 6 : 12;
    const accepted = await inTurn(
      { full: () => full.ask('accept', 500), empty: () => empty.ask('accept', 500) },
      rounds,
    );
    const proofs = await inTurn(
      { full: () => full.ask('proofUs', 100), empty: () => empty.ask('proofUs', 100) },
      rounds,
    );
    const [large, small] = [await full.ask('size'), await empty.ask('size')].map((n) =>
      n.toLocaleString('en'),
    );
    return [
      {
        what: `acceptances per second with ${backlog.toLocaleString('en')} queued / with few`,
        unit: 'ratio',
        value: spreadOf(ratios(accepted.full, accepted.empty)),
        note: `${Math.round(medianOf(accepted.full))} / ${Math.round(medianOf(accepted.empty))}, without HTTP`,
      },
      {
        what: `time of a proof among ${large} entries / among ${small}`,
        unit: 'ratio',
        value: spreadOf(ratios(proofs.full, proofs.empty)),
        note: `${Math.round(medianOf(proofs.full))} µs / ${Math.round(medianOf(proofs.empty))} µs`,
      },
    ];
  });
}
