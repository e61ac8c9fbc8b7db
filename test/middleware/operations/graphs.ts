import fc from 'fast-check';
import type { TaskShape } from '../../../packages/middleware/src/operations/task-shape.ts';

/**
 * Tasks without circles, in any order: each may take what those before it give, or come after them, and all of it is then shuffled.
 */
export const graphs = (most: number): fc.Arbitrary<readonly TaskShape[]> =>
  fc
    .array(fc.array(fc.record({ on: fc.nat(most), byLabel: fc.boolean() }), { maxLength: 4 }), {
      minLength: 1,
      maxLength: most,
    })
    .map((tasks) =>
      tasks.map((wanted, at): TaskShape => {
        const earlier = wanted.filter(({ on }) => on < at);
        const inputs = new Set(earlier.filter(({ byLabel }) => byLabel).map(({ on }) => `label ${on}`));
        const after = new Set(earlier.filter(({ byLabel }) => !byLabel).map(({ on }) => `task ${on}`));
        return { id: `task ${at}`, inputs: [...inputs], outputs: [`label ${at}`], after: [...after] };
      }),
    )
    .chain((tasks) => fc.shuffledSubarray([...tasks], { minLength: tasks.length }));
