import { invalid } from './operation-error.ts';
import type { TaskShape } from './task-shape.ts';

/**
 * Which tasks each task depends on: those that give the labels it takes, and those it has to come `after`. Nobody lists the first kind.
 * Pure. Throws `operation-invalid`.
 */
export function dependenciesOf(
  operation: string,
  tasks: readonly TaskShape[],
  given: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  const producers = producersOf(operation, tasks, given);
  const ids = new Set(tasks.map(({ id }) => id));
  const dependencies = new Map<string, readonly string[]>();
  for (const task of tasks) {
    const needed = new Set<string>();
    for (const label of task.inputs) {
      const producer = producers.get(label);
      if (producer !== undefined) needed.add(producer);
      else if (!given.has(label)) throw unknownLabel(operation, task.id, label);
    }
    for (const id of task.after) {
      if (!ids.has(id)) throw unknownTask(operation, task.id, id);
      needed.add(id);
    }
    dependencies.set(task.id, [...needed]);
  }
  return dependencies;
}

function producersOf(
  operation: string,
  tasks: readonly TaskShape[],
  given: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const producers = new Map<string, string>();
  for (const { id, outputs } of tasks) {
    for (const label of outputs) {
      const other = producers.get(label);
      if (other !== undefined || given.has(label)) {
        const who = other === undefined ? 'the input of the operation' : `task "${other}"`;
        throw invalid(
          operation,
          `task "${id}" gives "${label}", and so does ${who}; give each of them a label of its own`,
        );
      }
      producers.set(label, id);
    }
  }
  return producers;
}

function unknownLabel(operation: string, task: string, label: string): Error {
  return invalid(
    operation,
    `task "${task}" takes "${label}", which no task gives; name it among the outputs of a task or in the input of the operation, or take ` +
      `external(${JSON.stringify(label)}) where it comes from outside`,
  );
}

function unknownTask(operation: string, task: string, id: string): Error {
  return invalid(operation, `task "${task}" comes after "${id}", and there is no task of that id`);
}
