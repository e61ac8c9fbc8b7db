import { describe, expect, it } from 'vitest';
import { defineOperation } from '../../../packages/middleware/src/operations/define-operation.ts';
import { external, type } from '../../../packages/middleware/src/operations/labels.ts';
import { planStages } from '../../../packages/middleware/src/operations/plan.ts';
import type { TaskShape } from '../../../packages/middleware/src/operations/task-shape.ts';

function task(
  id: string,
  inputs: readonly string[],
  outputs: readonly string[],
  after: string[] = [],
): TaskShape {
  return { id, inputs, outputs, after };
}

function stagesOf(...tasks: readonly TaskShape[]): readonly (readonly string[])[] {
  return planStages('example', tasks).stages;
}

describe('the stages of tasks', () => {
  it('are [211, 212] [213] [214] for the library of figure 2, where input from a person makes no dependency (T-04, T-09)', () => {
    const library = defineOperation({
      name: 'library',
      version: '1',
      tasks: {
        211: { outputs: { accounts: type<string[]>() }, run: () => ({ accounts: [] }) },
        212: {
          inputs: [external('typed', type<string>())],
          outputs: { code: type<string>() },
          run: ({ typed }) => ({ code: typed }),
        },
        213: {
          inputs: ['accounts', 'code'],
          outputs: { content: type<string>() },
          run: ({ code }) => ({ content: code }),
        },
        214: {
          inputs: ['content', external('addition', type<string>())],
          outputs: { answer: type<string>() },
          run: ({ content, addition }) => ({ answer: content + addition }),
        },
      },
    });
    expect(library.stages.map(({ tasks }) => tasks)).toEqual([['211', '212'], ['213'], ['214']]);
    expect(library.dependencies.get('212')).toEqual([]);
    expect(library.dependencies.get('213')).toEqual(['211', '212']);
    expect([...library.outside.keys()]).toEqual(['typed', 'addition']);
  });

  it('are [311, 312] [313] for figure 3, where one check stands behind the first stage (T-10, T-27)', () => {
    const figure = defineOperation({
      name: 'figure 3',
      version: '1',
      tasks: {
        311: { outputs: { a: type<number>() }, run: () => ({ a: 1 }) },
        312: { outputs: { b: type<number>() }, run: () => ({ b: 1 }) },
        313: { inputs: ['a', 'b'], run: () => ({}) },
      },
      checks: { 320: { inputs: ['a', 'b'], validate: ({ a, b }) => a === b } },
    });
    expect(figure.stages).toEqual([
      { tasks: ['311', '312'], checks: ['320'] },
      { tasks: ['313'], checks: [] },
    ]);
  });

  it('are [411, 412] [413] [414, 415, 416] [417] for figure 4, with checks behind all but the last (T-11)', () => {
    const one = { g: type<number>() };
    const figure = defineOperation({
      name: 'figure 4',
      version: '1',
      tasks: {
        411: { outputs: { a: type<number>() }, run: () => ({ a: 1 }) },
        412: { outputs: { b: type<number>() }, run: () => ({ b: 1 }) },
        413: { inputs: ['a', 'b'], outputs: { c: type<number>() }, run: () => ({ c: 1 }) },
        414: { inputs: ['c'], outputs: { d: type<number>() }, run: () => ({ d: 1 }) },
        415: { inputs: ['c'], outputs: { e: type<number>() }, run: () => ({ e: 1 }) },
        416: { inputs: ['c', 'a'], outputs: { f: type<number>() }, run: () => ({ f: 1 }) },
        417: { inputs: ['d', 'e', 'f'], outputs: one, run: () => ({ g: 1 }) },
      },
      checks: {
        424: { inputs: ['d', 'e', 'f', 'a'], validate: () => true },
        420: { inputs: ['b', 'a'], validate: () => true },
        422: { inputs: ['c'], validate: () => true },
      },
    });
    expect(figure.stages).toEqual([
      { tasks: ['411', '412'], checks: ['420'] },
      { tasks: ['413'], checks: ['422'] },
      { tasks: ['414', '415', '416'], checks: ['424'] },
      { tasks: ['417'], checks: [] },
    ]);
  });

  it('are airline and payment check, then hotel and car, then the excursion, for a trip (T-12)', () => {
    expect(
      stagesOf(
        task('excursion', ['room', 'car'], []),
        task('hotel', ['flight', 'card'], ['room']),
        task('car', ['flight'], ['car']),
        task('airline', [], ['flight']),
        task('payment check', [], ['card']),
      ),
    ).toEqual([['airline', 'payment check'], ['hotel', 'car'], ['excursion']]);
  });

  it('follow from what a task has to come after as well, without anything that it takes (T-03)', () => {
    expect(stagesOf(task('b', [], [], ['a']), task('a', [], []))).toEqual([['a'], ['b']]);
  });

  it('form anew when a task is taken away, with nothing else changed (T-45)', () => {
    const tasks = [task('a', [], ['x']), task('b', ['x'], ['y'], []), task('c', ['x'], [], ['b'])];
    expect(stagesOf(...tasks)).toEqual([['a'], ['b'], ['c']]);
    const [a, , c] = tasks;
    expect(
      stagesOf(...[a, c].map((one) => ({ id: '', inputs: [], outputs: [], ...one, after: [] }))),
    ).toEqual([['a'], ['c']]);
  });
});

describe('tasks that can not be planned (T-50)', () => {
  const cases: readonly (readonly [string, readonly TaskShape[], string])[] = [
    [
      'a circle, with its path',
      [task('z', [], ['q']), task('a', ['w', 'q'], ['u']), task('b', ['u'], ['v']), task('c', ['v'], ['w'])],
      'operation "trip": its tasks wait for each other: a -> c -> b -> a, each after the next; take one of these dependencies away',
    ],
    [
      'a task that waits for itself',
      [task('a', ['x'], ['x'])],
      'operation "trip": its tasks wait for each other: a -> a, each after the next; take one of these dependencies away',
    ],
    [
      'a label that nobody gives',
      [task('hotel', ['flihgt'], []), task('airline', [], ['flight'])],
      'operation "trip": task "hotel" takes "flihgt", which no task gives; name it among the outputs of a task or in the input of the ' +
        'operation, or take external("flihgt") where it comes from outside',
    ],
    [
      'a label that two tasks give',
      [task('a', [], ['x']), task('b', [], ['x'])],
      'operation "trip": task "b" gives "x", and so does task "a"; give each of them a label of its own',
    ],
    [
      'a label that the operation is given',
      [task('a', [], ['given'])],
      'operation "trip": task "a" gives "given", and so does the input of the operation; give each of them a label of its own',
    ],
    [
      'a task after one that is not there',
      [task('a', [], [], ['b'])],
      'operation "trip": task "a" comes after "b", and there is no task of that id',
    ],
  ];

  it.each(cases)('are refused: %s', (_, tasks, message) => {
    expect(() => planStages('trip', tasks, new Set(['given']))).toThrow(
      expect.objectContaining({ code: 'operation-invalid', message }),
    );
  });

  it('are refused without a stack that overflows, however long their circle is', () => {
    const tasks = Array.from({ length: 5_000 }, (_, i) => task(`t${i}`, [`l${(i + 1) % 5_000}`], [`l${i}`]));
    expect(() => planStages('trip', tasks)).toThrow(/t0 -> t1 -> t2 .* t48 -> \(4951 more\) -> t0,/);
  });
});
