import { cycleAmong } from './cycle.ts';
import { dependenciesOf } from './dependencies.ts';
import { invalid } from './operation-error.ts';
import type { TaskShape } from './task-shape.ts';

const mostInPath = 50;

/** In which order tasks are done. */
export interface Plan {
  /**
   * Ids of tasks, by stage, in the order of the definition. Every task stands in the first stage that it can: none depends on another of its
   * own stage or of a later one, each depends on one of the stage before, and there are as many stages as the longest path has tasks.
   */
  readonly stages: readonly (readonly string[])[];
  /** By task: the tasks it depends on, in the order of its inputs and then of its `after`. */
  readonly dependencies: ReadonlyMap<string, readonly string[]>;
}

/**
 * Plans tasks: who depends on whom follows from the labels (Kahn's algorithm, level by level; linear in tasks and dependencies). `given`
 * are labels that the operation itself is given. Pure. Throws `operation-invalid`: for a label that nobody gives, that two give, a task
 * that is not there, and a circle, with its path.
 */
export function planStages(
  operation: string,
  tasks: readonly TaskShape[],
  given: ReadonlySet<string> = new Set(),
): Plan {
  const dependencies = dependenciesOf(operation, tasks, given);
  const missing = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  for (const [id, needed] of dependencies) {
    missing.set(id, needed.length);
    for (const one of needed) listIn(dependents, one).push(id);
  }
  const order = new Map(tasks.map(({ id }, at) => [id, at]));
  const stages: string[][] = [];
  let stage = tasks.map(({ id }) => id).filter((id) => missing.get(id) === 0);
  let planned = 0;
  while (stage.length > 0) {
    stages.push(stage);
    planned += stage.length;
    const next: string[] = [];
    for (const id of stage) {
      for (const dependent of dependents.get(id) ?? []) {
        const left = (missing.get(dependent) ?? 0) - 1;
        missing.set(dependent, left);
        if (left === 0) next.push(dependent);
      }
    }
    stage = next.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  }
  if (planned < tasks.length) {
    const path = cycleAmong(dependencies, (id) => missing.get(id) !== 0);
    throw invalid(
      operation,
      `its tasks wait for each other: ${pathText(path)}, each after the next; take one of these dependencies away`,
    );
  }
  return { stages, dependencies };
}

/** A circle of thousands is told by its beginning and its end. */
function pathText(path: readonly string[]): string {
  if (path.length <= mostInPath) return path.join(' -> ');
  const left = path.length - mostInPath;
  return [...path.slice(0, mostInPath - 1), `(${left} more)`, ...path.slice(-1)].join(' -> ');
}

function listIn(map: Map<string, string[]>, key: string): string[] {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made: string[] = [];
  map.set(key, made);
  return made;
}
