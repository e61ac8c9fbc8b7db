import type { Benchmark } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { OperationsProcess } from './operations-process.ts';

const script = new URL('operations-process.ts', import.meta.url);

/** What planning and running operations of dependent tasks costs. */
export const operations: Benchmark = {
  name: 'operations',
  title: 'planning 10,000 dependent tasks; durable operations of 3 stages of 3 tasks, 64 at once',
  async measure({ quick, progress }) {
    const child = startChild<OperationsProcess>(script, null);
    const rounds = quick ? 6 : 9;
    const runs = quick ? 128 : 512;
    const live = quick ? 2_000 : 100_000;
    try {
      const planned = await inTurn(
        { ten: () => child.ask('plan', 10_000), one: () => child.ask('plan', 1_000) },
        rounds,
        (round) => progress(`planning, round ${round + 1} of ${rounds}`),
      );
      const alone = await child.ask('open');
      const p50: number[] = [];
      const p99: number[] = [];
      const perSecond: number[] = [];
      for (let round = 0; round < rounds; round++) {
        progress(`running ${runs} operations, round ${round + 1} of ${rounds}`);
        const took = await child.ask('run', runs);
        perSecond.push(took.perSecond);
        p50.push(took.p50Ms * 1_000);
        p99.push(took.p99Ms * 1_000);
      }
      progress(`starting ${live} operations that wait`);
      await child.ask('fill', live);
      const crowded: number[] = [];
      for (let round = 0; round < rounds; round++) {
        progress(`running ${runs} operations beside those, round ${round + 1} of ${rounds}`);
        crowded.push((await child.ask('run', runs)).perSecond);
      }
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
        { what: 'operations done, 64 at once', unit: 'per second', value: spreadOf(perSecond), note: alone },
        { what: 'one of them, from its start to its end: median', unit: 'µs', value: spreadOf(p50) },
        { what: 'the same, 99th of 100', unit: 'µs', value: spreadOf(p99) },
        {
          what: `operations done beside ${live.toLocaleString('en')} that wait / without them`,
          unit: 'ratio',
          value: spreadOf(ratios(crowded, perSecond)),
        },
      ];
    } finally {
      await child.end();
    }
  },
};
