import type { OperationBlock } from '@slackwater/shared';
import { wholeIssues } from './check-answer.ts';
import type { FunctionRegistry } from './functions.ts';
import type { RunState } from './run-state.ts';
import type { RunValues } from './run-values.ts';
import { checkFunction } from './task-functions.ts';

/** What the checks of a stage say is wrong, by check; none where it passes. Throws `function-missing` or `record-corrupt`. */
export async function checkStage(
  { checks }: OperationBlock,
  values: RunValues,
  state: RunState,
  registry: FunctionRegistry,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const functions = checks.map((check) => ({ check, validate: checkFunction(check, registry) }));
  const found: [string, readonly string[]][] = [];
  for (const { check, validate } of functions) {
    const looked = await values.valuesOf(check.inputs, state);
    const issues = await wholeIssues(() => validate(looked));
    if (issues.length > 0) found.push([check.name, issues]);
  }
  return Object.fromEntries(found);
}
