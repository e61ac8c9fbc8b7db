import type { Benchmark } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { OperationsProcess, RunsTook } from './operations-process.ts';

const script = new URL('operations-process.ts', import.meta.url);

/** What planning and running operations of dependent tasks costs. */
export const operations: Benchmark = {
  name: 'operations',
  title: 'planning 10,000 dependent tasks; durable operations of 3 stages of 3 tasks, 64 at once',
  async measure({ quick, progress }) {
    const child = startChild<OperationsProcess>(script, null);
    const crowded = startChild<OperationsProcess>(script, null);
    const rounds = quick ? 6 : 9;
    const runs = quick ? 128 : 512;
    const live = quick ? 2_000 : 100_000;
    // Two processes of one program differ by more than what is looked for, and their turns by as much.
    const roundsBeside = quick ? 6 : 31;
    try {
      const planned = await inTurn(
        { ten: () => child.ask('plan', 10_000), one: () => child.ask('plan', 1_000) },
        rounds,
        (round) => progress(`planning, round ${round + 1} of ${rounds}`),
      );
      const alone = await child.ask('open');
      await crowded.ask('open');
      const both = { alone: () => child.ask('run', runs), beside: () => crowded.ask('run', runs) };
      // Those who are to be compared have done as much before.
      const took = await inTurn<keyof typeof both, RunsTook>(both, rounds, (round) =>
        progress(`running ${runs} operations, round ${round + 1} of ${rounds}`),
      );
      progress(`starting ${live} operations that wait`);
      await crowded.ask('fill', live);
      const compared = await inTurn<keyof typeof both, RunsTook>(both, roundsBeside, (round) =>
        progress(
          `running ${runs} operations beside those and without them, round ${round + 1} of ${roundsBeside}`,
        ),
      );
      const rates = (of: readonly RunsTook[]): readonly number[] => of.map(({ perSecond }) => perSecond);
      return [
        {
          what: 'planning 10,000 tasks with four dependencies each',
          unit: 'µs',
          value: spreadOf(planned.ten.map((ms) => ms * 1_000)),
          target: { atMost: 100_000 },
        },
        {
          what: 'the same / ten times planning 1,000 tasks',
          unit: 'ratio',
          value: spreadOf(
            ratios(
              planned.ten,
              planned.one.map((ms) => ms * 10),
            ),
          ),
          note: 'about 1 where it is linear',
        },
        {
          what: 'operations done, 64 at once',
          unit: 'per second',
          value: spreadOf(rates(took.alone)),
          note: alone,
        },
        {
          what: 'one of them, from its start to its end: median',
          unit: 'µs',
          value: spreadOf(took.alone.map(({ p50Ms }) => p50Ms * 1_000)),
        },
        {
          what: 'the same, 99th of 100',
          unit: 'µs',
          value: spreadOf(took.alone.map(({ p99Ms }) => p99Ms * 1_000)),
        },
        {
          what: `operations done beside ${live.toLocaleString('en')} that wait / without them`,
          unit: 'ratio',
          value: spreadOf(ratios(rates(compared.beside), rates(compared.alone))),
          note: 'in two processes, in turn',
        },
      ];
    } finally {
      await Promise.all([child.end(), crowded.end()]);
    }
  },
};
