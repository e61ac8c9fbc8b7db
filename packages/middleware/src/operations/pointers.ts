import type { BlockTask, FunctionPointer, OperationBlock } from '@slackwater/shared';

/** All pointers to functions in a block. */
export function pointersIn({
  tasks,
  checks,
}: Pick<OperationBlock, 'tasks' | 'checks'>): readonly FunctionPointer[] {
  return [...tasks.flatMap(pointersOf), ...checks.map(({ validate }) => validate)];
}

/** All pointers to functions of a task. */
export function pointersOf({
  run,
  rollback,
  partition,
  validate = [],
  inputs,
  outputs,
}: BlockTask): readonly FunctionPointer[] {
  const schemas = [...inputs, ...outputs].map(({ schema }) => schema);
  const some = [run, rollback, typeof partition === 'object' ? partition : undefined, ...schemas];
  return [...some.filter((one) => one !== undefined), ...validate.map(({ rule }) => rule)];
}
