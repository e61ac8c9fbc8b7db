import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planStages } from '../../../packages/middleware/src/operations/plan.ts';
import type { TaskShape } from '../../../packages/middleware/src/operations/task-shape.ts';
import { graphs } from './graphs.ts';

/** By definition, without the plan: how many tasks the longest path to a task has. */
function depthOf(id: string, tasks: ReadonlyMap<string, TaskShape>, known: Map<string, number>): number {
  const before = known.get(id);
  if (before !== undefined) return before;
  const depth = 1 + Math.max(0, ...needed(tasks.get(id)).map((one) => depthOf(one, tasks, known)));
  known.set(id, depth);
  return depth;
}

function needed(task: TaskShape | undefined): readonly string[] {
  const byLabel = (task?.inputs ?? []).map((label) => label.replace('label', 'task'));
  return [...new Set([...byLabel, ...(task?.after ?? [])])];
}

describe('the stages of any tasks', () => {
  it('have every task once, as early as it can be, and are as many as the longest path has tasks (T-05, T-06, T-07, T-08)', () => {
    fc.assert(
      fc.property(graphs(30), (tasks) => {
        const { stages, dependencies } = planStages('any', tasks);
        const byId = new Map(tasks.map((task) => [task.id, task]));
        const stageOf = new Map(stages.flatMap((ids, at) => ids.map((id) => [id, at] as const)));
        expect([...stageOf.keys()].sort()).toEqual([...byId.keys()].sort());
        expect(stages.flat()).toHaveLength(tasks.length);
        const depths = new Map<string, number>();
        for (const [id, at] of stageOf) {
          const on = dependencies.get(id) ?? [];
          expect([...on].sort()).toEqual([...needed(byId.get(id))].sort());
          const stagesNeeded = on.map((one) => stageOf.get(one) ?? -1);
          // None of its own stage, and none of a later one.
          expect(stagesNeeded.every((stage) => stage < at)).toBe(true);
          // From the second stage on: at least one of the stage before.
          expect(at === 0 ? on : stagesNeeded).toEqual(at === 0 ? [] : expect.arrayContaining([at - 1]));
          expect(depthOf(id, byId, depths)).toBe(at + 1);
        }
        expect(stages).toHaveLength(Math.max(...depths.values()));
      }),
    );
  });

  it('name a real circle where one dependency leads back', () => {
    fc.assert(
      fc.property(graphs(30), fc.nat(), fc.nat(), (tasks, a, b) => {
        const from = tasks[a % tasks.length];
        const to = tasks[b % tasks.length];
        const changed = tasks.map((task) =>
          task === from ? { ...task, after: [...task.after, to?.id ?? ''] } : task,
        );
        const byId = new Map(changed.map((task) => [task.id, task]));
        let path: readonly string[] | undefined;
        try {
          planStages('any', changed);
        } catch (error) {
          path = /: (task \d+(?: -> task \d+)+),/.exec(String(error))?.[1]?.split(' -> ');
          expect(path).toBeDefined();
        }
        if (path === undefined) return;
        expect(path.at(0)).toBe(path.at(-1));
        for (const [at, id] of path.slice(1).entries())
          expect(needed(byId.get(path[at] ?? ''))).toContain(id);
      }),
    );
  });
});
