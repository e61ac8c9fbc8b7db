import { integer, isName, readChecks, readInput, readTasks, refuseUnknown } from './check-definition.ts';
import type { LabelsOf, Members, OperationDefinition, OutputsOf, StartOf } from './definition.ts';
import type { Declarations, Declared } from './labels.ts';
import type { Check, Operation, Stage, Task } from './operation.ts';
import { invalid } from './operation-error.ts';
import { type Plan, planStages } from './plan.ts';

const definitionMembers = ['name', 'version', 'input', 'tasks', 'checks', 'workType', 'parallel'] as const;

const defaultParallel = 16;
const mostParallel = 10_000;

/**
 * Defines an operation: tasks with inputs, outputs, checks and rollbacks, from which the order, the parallelism and the undoing follow.
 *
 * A task depends on those that give what it takes; nobody lists that. Each task's functions see exactly the inputs that it names, with the
 * types that the outputs of others declare. Throws `operation-invalid` for a definition that can't be planned: a label that nobody gives, or
 * two give, tasks that wait for each other, members that there are none of.
 */
export function defineOperation<
  const Given extends Members,
  const Taken extends Members,
  Input extends Declarations = Readonly<Record<never, never>>,
  const Wanted extends Members = Readonly<Record<never, never>>,
>(
  definition: OperationDefinition<Input, Given, Taken, Wanted>,
): Operation<StartOf<Input>, OutputsOf<LabelsOf<Readonly<Record<never, never>>, Given>>> {
  return readOperation(definition);
}

/** The same for a definition whose types nobody knows. Throws `operation-invalid`. */
export function readOperation(definition: unknown): Operation<never, never> {
  const given = refuseUnknown(undefined, 'the definition', definition, definitionMembers);
  const { name, version, workType, input: givenInput, tasks: givenTasks, checks: givenChecks } = given;
  if (!isName(name)) throw invalid(name, 'its "name" has to be a text of 1 to 200 characters');
  if (!isName(version)) throw invalid(name, 'its "version" has to be a text of 1 to 200 characters');
  if (workType !== undefined && !isName(workType)) throw invalid(name, 'its "workType" has to be a text');
  const input = readInput(name, givenInput);
  const { tasks, outside } = readTasks(name, givenTasks, input);
  const shapes = [...tasks.values()].map(({ id, inputs, outputs, after }) => ({
    id,
    inputs: inputs.filter(({ from }) => from !== 'outside').map(({ label }) => label),
    outputs: [...outputs.keys()],
    after,
  }));
  const plan = planStages(name, shapes, new Set(input.keys()));
  const checks = readChecks(
    name,
    givenChecks,
    new Set([...input.keys(), ...shapes.flatMap((one) => one.outputs)]),
  );
  refuseTwice(name, outside, tasks, input);
  return {
    name,
    version,
    workType,
    parallel: integer(name, 'its "parallel"', given['parallel'] ?? defaultParallel, 1, mostParallel),
    input,
    outside,
    tasks,
    checks,
    stages: stagesOf(plan, tasks, checks),
    dependencies: plan.dependencies,
  };
}

/** A check stands where the last of its labels is given; one over the operation's own input alone, in the first stage. */
function stagesOf(
  plan: Plan,
  tasks: ReadonlyMap<string, Task>,
  checks: ReadonlyMap<string, Check>,
): readonly Stage[] {
  const stageOf = new Map<string, number>();
  for (const [at, ids] of plan.stages.entries()) {
    for (const id of ids) for (const label of tasks.get(id)?.outputs.keys() ?? []) stageOf.set(label, at);
  }
  const checksAt = plan.stages.map((): string[] => []);
  for (const { name, inputs } of checks.values()) {
    checksAt[Math.max(0, ...inputs.map((label) => stageOf.get(label) ?? 0))]?.push(name);
  }
  return plan.stages.map((ids, at) => ({ tasks: ids, checks: checksAt[at] ?? [] }));
}

function refuseTwice(
  name: string,
  outside: ReadonlyMap<string, Declared>,
  tasks: ReadonlyMap<string, Task>,
  input: ReadonlyMap<string, Declared>,
): void {
  for (const { id, outputs } of tasks.values()) {
    for (const label of outputs.keys()) {
      if (outside.has(label)) {
        throw invalid(
          name,
          `task "${id}" gives "${label}", which another task takes from outside; give it a label of its own`,
        );
      }
    }
  }
  for (const label of outside.keys()) {
    if (input.has(label)) {
      throw invalid(
        name,
        `"${label}" is in the input of the operation and comes from outside; let it be one of them`,
      );
    }
  }
}
