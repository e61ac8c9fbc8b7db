import { afterAll, describe, expect, it } from 'vitest';
import type { FoundRun, Order } from './trip-child.ts';
import { type Outcome, TripLane } from './trip-lane.ts';

/** As many processes live, and die, at once. */
const lanesAtOnce = 3;
const withinMs = 240_000;

// The cells are the steps that operations take over which nobody dies, so these are run before: a step that is added is killed at, too. The first in a
// ledger takes steps that no other does.
const lanes = Array.from({ length: lanesAtOnce }, () => new TripLane());
const [first] = lanes;
const [, forward = [], backward = []] =
  (await first?.stepsOf({ fails: false }, { fails: false }, { fails: true })) ?? [];
await Promise.all(lanes.slice(1).map((lane) => lane.stepsOf({ fails: false })));

afterAll(() => {
  for (const lane of lanes) lane.close();
});

/** Nothing is written between the end of a step and the beginning of the next: one death tells of both sides. */
function instantsOf(steps: readonly string[]): readonly string[] {
  return steps.filter((at, index) => {
    const next = steps[index + 1];
    return !at.startsWith('after ') || next === undefined || next.startsWith('after ');
  });
}

/** What both take until one of them fails is killed at in one of them: in every other it has to be gone on with, in the rest to be undone as well. */
const shared = instantsOf(forward).filter((at) => backward.includes(at));
const turns = new Map(shared.map((at, index) => [at, index % 2 === 0] as const));
const cells: readonly Required<Order>[] = [
  ...instantsOf(forward)
    .filter((at) => turns.get(at) !== false)
    .map((killAt) => ({ fails: false, killAt })),
  ...instantsOf(backward)
    .filter((at) => turns.get(at) !== true)
    .map((killAt) => ({ fails: true, killAt })),
];
const outcomes = new Map<Required<Order>, Outcome>();

const tasks = ['flight', 'hotel', 'car', 'tour'];
const done = tasks.map((task) => `do ${task}`);
const undone = tasks.map((task) => `undo ${task}`);

/** How the words of a world stand to each other; what is side by side has no order. */
function inOrder(words: readonly string[]): readonly string[] {
  return words.map((word) => word.replace(/hotel|car/, 'hotel or car'));
}

/** What ended of each task, as the ledger has it. */
function ended({ entries }: FoundRun, type: 'task-ended' | 'undo-ended'): readonly string[] {
  return entries.flatMap((entry) => (entry.type === type ? [entry.step?.task ?? ''] : []));
}

describe('an operation whose process is killed', () => {
  it(
    'is killed at every step that it takes, forward and backward',
    async () => {
      const kinds = [...forward, ...backward].map((step) =>
        step.replace(/^(?:before|after) | \(\d+\)$/g, ''),
      );
      expect(new Set(kinds)).toEqual(
        new Set([
          ...['store.create operation/live', 'store.put operation/value', 'store.put operation/done'],
          ...['store.delete operation/live', ...done, ...undone],
          'log.appendSealed stage-planned stage-planned stage-planned',
          'log.appendSealed task-begun',
          'log.appendSealed task-ended',
          'log.appendSealed stage-checked task-begun task-begun',
          'log.appendSealed task-ended task-ended stage-checked task-begun',
          'log.appendSealed task-ended stage-checked operation-settled',
          'log.appendSealed task-ended stage-checked undo-begun',
          'log.appendSealed undo-ended undo-begun undo-begun',
          'log.appendSealed undo-ended undo-ended undo-begun',
          'log.appendSealed undo-ended operation-settled',
        ]),
      );
      await Promise.all(
        lanes.map(async (lane, at) => {
          const own = cells.filter((_, index) => index % lanes.length === at);
          const found = await lane.outcomesOf(own);
          for (const [index, cell] of own.entries()) outcomes.set(cell, found[index] as Outcome);
        }),
      );
      expect(cells.filter((cell) => outcomes.get(cell)?.wasReached !== true)).toEqual([]);
    },
    withinMs,
  );

  it.each(cells.map((cell) => [cell.fails ? 'to be undone' : 'that succeeds', cell.killAt, cell] as const))(
    '%s, %s: has all of its effects or none, each once, undone in reverse, and all of it is in the ledger (T-54)',
    (_kind, killAt, cell) => {
      const outcome = outcomes.get(cell);
      expect(outcome?.isVerified).toBe(true);
      const run = outcome?.run;
      if (run === undefined) {
        // It died before its chain was in the ledger: as if nobody had asked.
        expect(killAt).toMatch(/operation\/live$|operation\/value$|before log.appendSealed stage-planned/);
        return;
      }
      const [flight, ...others] = inOrder(done);
      const back = inOrder(undone).toReversed();
      expect(run.status).toBe(cell.fails ? 'undone' : 'succeeded');
      expect(inOrder(run.world)).toEqual([flight, ...others, ...(cell.fails ? back : [])]);
      expect(new Set(run.world).size).toBe(run.world.length);
      expect(new Set(ended(run, 'task-ended'))).toEqual(new Set(tasks));
      expect(ended(run, 'undo-ended').toSorted()).toEqual(cell.fails ? tasks.toSorted() : []);
      expect(run.entries.slice(0, 3).map(({ type }) => type)).toEqual(Array(3).fill('stage-planned'));
      const types = run.entries.map(({ type }) => type).filter((type) => type !== 'operation-taken');
      expect(types.indexOf('operation-settled')).toBe(types.length - 1);
    },
  );
});
