import { setFlagsFromString } from 'node:v8';
import { answerCalls } from '../child.ts';
import { inTurn } from '../turns.ts';
import { acceptanceSteps } from './acceptance-steps.ts';
import { requestSteps } from './request-steps.ts';

/** A step: what is done once, again and again. What it gives is looked at, so that it is not left out. */
export type Step = () => unknown;

/** Takes the steps of the hot paths one by one. */
export interface StepsProcess {
  /** µs for each, by step and round. */
  take(rounds: number): Promise<Record<string, number[]>>;
}

/** So many of each before the first round, by which the compilers are done with them. */
const warmUp = 20_000;
/** Of so many batches in a round the quickest counts: one that was interrupted by other work says nothing of the step. */
const batches = 8;
/** As long as a batch takes, ms: much longer than the clock's own steps, and shorter than a core is lent for. */
const batchMs = 0.3;

// On a busy machine the threads that compile and collect beside this one have no core, and it would wait for them: then code that is
// not compiled yet is measured, and pauses.
for (const flag of [
  'concurrent-recompilation',
  'parallel-scavenge',
  'concurrent-marking',
  'concurrent-sweeping',
]) {
  setFlagsFromString(`--no-${flag}`);
}

await answerCalls<StepsProcess>(async () => {
  const steps = { ...(await requestSteps()), ...acceptanceSteps() };
  return {
    async take(rounds) {
      const takes = Object.entries(steps).map(([name, step]) => [name, timed(step)] as const);
      return inTurn(Object.fromEntries(takes), rounds);
    },
  };
});

/** What a step gave last: what nobody looks at might be left out by the compiler. */
export let last: unknown;

function timed(step: Step): () => number {
  const run = (count: number): number => {
    const startedAt = performance.now();
    for (let n = 0; n < count; n++) last = step();
    return performance.now() - startedAt;
  };
  run(warmUp);
  const usualMs = Math.min(...Array.from({ length: 20 }, () => run(50))) / 50;
  const count = Math.max(1, Math.ceil(batchMs / usualMs));
  return () => (Math.min(...Array.from({ length: batches }, () => run(count))) * 1_000) / count;
}
