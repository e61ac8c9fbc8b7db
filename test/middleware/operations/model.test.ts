import type { LedgerEntry, OperationEntryType, StepEnd } from '@slackwater/shared';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOperation } from '../../../packages/middleware/src/operations/define-operation.ts';
import type { TaskContext } from '../../../packages/middleware/src/operations/definition.ts';
import { type } from '../../../packages/middleware/src/operations/labels.ts';
import type { Operation, Values } from '../../../packages/middleware/src/operations/operation.ts';
import type { TaskShape } from '../../../packages/middleware/src/operations/task-shape.ts';
import { type Bench, ledgerBench } from '../ledger/ledgers.ts';
import { crashAt } from './crashes.ts';
import { type Dock, hurried, openDock, runnerOn } from './dock.ts';
import { graphs } from './graphs.ts';
import { disorder } from './order-model.ts';

let bench: Bench;
let dock: Dock;

beforeAll(async () => {
  bench = await ledgerBench();
  dock = await openDock(bench);
});

afterAll(async () => {
  await dock.close();
  await bench.end();
});

/** What a task does, and how often its rollback fails first. */
interface Habit {
  readonly does: 'well' | 'well at last' | 'throws' | 'throws when done' | 'answers wrong';
  readonly undoneAt: number;
}

const well: Habit = { does: 'well', undoneAt: 0 };

const habits: fc.Arbitrary<Habit> = fc.record({
  does: fc.oneof(
    { weight: 9, arbitrary: fc.constant('well' as const) },
    { weight: 1, arbitrary: fc.constantFrom('well at last', 'throws', 'throws when done', 'answers wrong') },
  ),
  undoneAt: fc.nat(2),
});

/** Effects by idempotency key: a world that takes each key once, and lets it be taken back. */
type World = Map<string, string>;

function operationOf(
  shapes: readonly TaskShape[],
  habitOf: ReadonlyMap<string, Habit>,
  world: World,
): Operation {
  const tasks = shapes.map(({ id, inputs, outputs, after }) => {
    const habit = habitOf.get(id);
    const key = ({ idempotencyKey }: TaskContext) => idempotencyKey.replace(/\/undo$/, '');
    const run = (given: Values, context: TaskContext): Values => {
      for (const label of inputs)
        if (given[label] !== `value of ${label}`) throw new Error(`${label} is ${given[label]}`);
      if (habit?.does === 'throws' || (habit?.does === 'well at last' && context.attempt === 1))
        throw new Error(id);
      world.set(key(context), id);
      if (habit?.does === 'throws when done') throw new Error(id);
      return habit?.does === 'answers wrong'
        ? {}
        : Object.fromEntries(outputs.map((label) => [label, `value of ${label}`]));
    };
    const rollback = (_: unknown, context: TaskContext): void => {
      if (context.attempt <= (habit?.undoneAt ?? 0)) throw new Error('not yet');
      world.delete(key(context));
    };
    const given = Object.fromEntries(outputs.map((label) => [label, type()]));
    return [
      id,
      { inputs, outputs: given, after, run, rollback, retries: habit?.does === 'well at last' ? 1 : 0 },
    ];
  });
  return readOperation({
    name: 'any',
    version: crypto.randomUUID(),
    parallel: 3,
    tasks: Object.fromEntries(tasks),
  });
}

describe('any operation, whatever its tasks do and wherever its process ends', () => {
  it('ends with all of its effects or none, and the ledger says that its order was kept', async () => {
    let undone = 0;
    let crashed = 0;
    await fc.assert(
      fc.asyncProperty(
        graphs(9),
        fc.array(habits, { minLength: 9, maxLength: 9 }),
        fc.nat(25),
        async (shapes, all, at) => {
          const habitOf = new Map(shapes.map(({ id }, i) => [id, all[i] ?? well] as const));
          const world: World = new Map();
          const operation = operationOf(shapes, habitOf, world);
          const crash = crashAt(at);
          const records = crash.into(dock.ledger.operations, 'record', 'keep');
          const first = runnerOn(dock, { ground: { clock: hurried, records } });
          const starting = first.start(operation);
          await Promise.race([starting.then((id) => first.settled(id)), crash.happened]);
          await first.vanish();
          const second = runnerOn(dock, { ground: { clock: hurried } });
          second.known.add(operation);
          await second.runner.lookAround();
          const live = await dock.engine.store.list('operation/live/', { limit: 2 });
          const id =
            (await Promise.race([starting, Promise.resolve(undefined)])) ?? live[0]?.key.split('/').at(-1);
          if (id === undefined) {
            expect(world.size).toBe(0);
          } else {
            const isWell = [...habitOf.values()].every(({ does }) => does.startsWith('well'));
            const { status } = await second.settled(id);
            expect(status).toBe(isWell ? 'succeeded' : 'undone');
            expect([...world.values()].sort()).toEqual(isWell ? shapes.map((shape) => shape.id).sort() : []);
            expect(disorder(operation, await dock.entries(id))).toEqual([]);
            if (!isWell) undone += 1;
          }
          if (crash.hasHappened) crashed += 1;
          await second.vanish();
        },
      ),
      { numRuns: 24, seed: 7 },
    );
    // The draw is always the same, and has some of each.
    expect(undone).toBeGreaterThan(5);
    expect(24 - undone).toBeGreaterThan(5);
    expect(crashed).toBeGreaterThan(5);
    expect(bench.verifyBytes(dock.ledger.verifierKey)).toMatchObject({ ok: true });
  });

  it('is told by a model that complains of another order', () => {
    const stages = [
      { tasks: ['a'], checks: [] },
      { tasks: ['b', 'c'], checks: [] },
    ];
    const entry = (type: OperationEntryType, task?: string, end?: StepEnd) =>
      ({ type, step: { token: 1, ...(task && { task }), ...(end && { end }) } }) as LedgerEntry;
    const well = (task: string) => [entry('task-begun', task), entry('task-ended', task, 'succeeded')];
    const planned = [entry('stage-planned'), entry('stage-planned')];
    const settled = [
      { ...entry('operation-settled'), step: { token: 1, result: 'undone' as const } } as LedgerEntry,
    ];
    const undo = (task: string) => [entry('undo-begun', task), entry('undo-ended', task, 'succeeded')];
    const [bothBegun, bothUndone] = (['undo-begun', 'undo-ended'] as const).map((type) =>
      ['b', 'c'].map((task) => entry(type, task, type === 'undo-ended' ? 'succeeded' : undefined)),
    );
    const forward = [...planned, ...well('a'), ...well('b'), ...well('c')];
    const complaintsOf = (...entries: readonly (readonly LedgerEntry[] | undefined)[]) =>
      disorder(
        { stages, parallel: 2 },
        entries.flatMap((some) => some ?? []),
      );
    expect(complaintsOf(forward, bothBegun, bothUndone, undo('a'), settled)).toEqual([]);
    expect(complaintsOf(forward, undo('a'), bothBegun, bothUndone, settled)).toEqual([
      'a was undone out of order',
    ]);
    expect(complaintsOf(forward, undo('b'), undo('c'), undo('a'), settled)).toEqual([
      'stage 1 was undone one after the other',
    ]);
    expect(complaintsOf(planned, well('b'), settled)).toEqual([
      'b began too early, or too late',
      'b was left as it is: ended',
    ]);
    expect(complaintsOf(forward, bothBegun, bothUndone, settled)).toEqual(['a was left as it is: ended']);
  });
});
