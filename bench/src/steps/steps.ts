import type { Benchmark } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { spreadOf } from '../statistics.ts';
import type { StepsProcess } from './steps-process.ts';

const script = new URL('steps-process.ts', import.meta.url);

/** What each step of the hot paths takes by itself. */
export const steps: Benchmark = {
  name: 'steps',
  title: 'what the steps take that a request, a commit or a deferral costs, each by itself',
  async measure({ quick, progress }) {
    progress('step by step');
    const child = startChild<StepsProcess>(script, null);
    try {
      const taken = await child.ask('take', quick ? 10 : 60);
      return Object.entries(taken).map(([what, samples]) => ({ what, unit: 'µs', value: spreadOf(samples) }));
    } finally {
      await child.end();
    }
  },
};
