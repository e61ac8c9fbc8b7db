import { createHash } from 'node:crypto';
import { type BlockTask, canonicalJson, type OperationBlock } from '@slackwater/shared';
import type { OperationPointers } from './functions.ts';
import { schemaOf } from './functions.ts';
import type { Operation, Stage, Task } from './operation.ts';

// The blocks of one run: a chain of its own within the ledger, made whole before anything runs. A block can't hold the hash of a later one,
// so it names the next by an id that is given in advance, and the one before by its hash.

/** The blocks of a run of an operation, one for each stage, linked in both directions. `newId` gives ids that are given once. */
export function chainOf(
  operation: Operation,
  pointers: OperationPointers,
  newId: () => string,
): readonly OperationBlock[] {
  const ids = operation.stages.map(newId);
  const blocks: OperationBlock[] = [];
  for (const [stage, planned] of operation.stages.entries()) {
    const before = blocks.at(-1);
    const next = ids[stage + 1];
    blocks.push({
      id: ids[stage] ?? '',
      operation: operation.name,
      version: operation.version,
      ...(operation.workType !== undefined && { workType: operation.workType }),
      stage,
      ...(before === undefined ? { first: true } : { previous: blockHash(before) }),
      ...(next === undefined ? { last: true } : { next }),
      parallel: operation.parallel,
      ...contentsOf(operation, planned, pointers),
    });
  }
  return blocks;
}

/** Base64 of SHA-256 over a block's canonical JSON. */
export function blockHash(block: OperationBlock): string {
  return createHash('sha256').update(canonicalJson(block)).digest('base64');
}

/** The stages of a chain as they follow each other by their pointers, from the first; undefined where they lead nowhere, in a circle, or to a block of another chain. */
export function followChain(blocks: readonly OperationBlock[]): readonly OperationBlock[] | undefined {
  const byId = new Map(blocks.map((block) => [block.id, block]));
  const path: OperationBlock[] = [];
  let block = blocks.find(({ first }) => first);
  while (block !== undefined && byId.delete(block.id)) {
    const before = path.at(-1);
    if (block.previous !== (before && blockHash(before))) return undefined;
    path.push(block);
    if (block.next === undefined) return path;
    block = byId.get(block.next);
  }
  return undefined;
}

function contentsOf(
  { tasks, checks, input, outside }: Operation,
  stage: Stage,
  pointers: OperationPointers,
): Pick<OperationBlock, 'tasks' | 'checks'> {
  return {
    tasks: stage.tasks.flatMap((id) => {
      const task = tasks.get(id);
      return task === undefined ? [] : [blockTask(task, { input, outside }, pointers)];
    }),
    checks: stage.checks.flatMap((name) => {
      const check = checks.get(name);
      if (check === undefined) return [];
      return [{ name, inputs: check.inputs, validate: pointers.of(`check/${name}`) }];
    }),
  };
}

function blockTask(
  task: Task,
  { input, outside }: Pick<Operation, 'input' | 'outside'>,
  pointers: OperationPointers,
): BlockTask {
  const { id, inputs, outputs, rollback, partition, timeoutMs, retries } = task;
  const validate = validateOf(task, pointers);
  return {
    id,
    inputs: inputs.map(({ label, from }) => {
      const declared = from === 'task' ? undefined : (input.get(label) ?? outside.get(label));
      const isChecked = declared !== undefined && schemaOf(declared) !== undefined;
      return { label, from, ...(isChecked && { schema: pointers.of(`input/${label}`) }) };
    }),
    outputs: [...outputs].map(([label, declared]) =>
      schemaOf(declared) === undefined ? { label } : { label, schema: pointers.of(`${id}/outputs/${label}`) },
    ),
    run: pointers.of(`${id}/run`),
    ...(validate.length > 0 && { validate }),
    ...(rollback !== undefined && { rollback: pointers.of(`${id}/rollback`) }),
    ...(partition !== undefined && {
      partition: typeof partition === 'string' ? partition : pointers.of(`${id}/partition`),
    }),
    timeoutMs,
    retries,
  };
}

function validateOf({ id, validate }: Task, pointers: OperationPointers): NonNullable<BlockTask['validate']> {
  if (validate === undefined) return [];
  if (typeof validate === 'function') return [{ rule: pointers.of(`${id}/validate`) }];
  return [...validate.keys()].map((label) => ({ label, rule: pointers.of(`${id}/validate/${label}`) }));
}
