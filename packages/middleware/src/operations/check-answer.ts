import type { BlockTask } from '@slackwater/shared';
import type { Values } from './operation.ts';
import { readAnswer } from './read-answer.ts';
import { checkValue, issuesOf, shown } from './rules.ts';
import type { StandardSchema } from './standard-schema.ts';
import type { TaskFunctions } from './task-functions.ts';

/** What a task answered, after its checks. */
export interface CheckedAnswer {
  /** As it was answered, in JSON; undefined where it was not what the task declares. */
  readonly raw: Values | undefined;
  /** As others are given it: what schemas made of it. Undefined unless it is valid. */
  readonly values: Values | undefined;
  readonly issues: readonly string[];
}

/** Checks what a task answered: its shape, the schemas of its outputs, then its rules. Never rejects. */
export async function checkAnswer(
  { outputs }: BlockTask,
  { schemas, rules, validate }: TaskFunctions,
  answer: unknown,
  inputs: Values,
): Promise<CheckedAnswer> {
  const read = readAnswer(
    answer,
    outputs.map(({ label }) => label),
  );
  if (read.issues !== undefined) return { raw: undefined, values: undefined, issues: read.issues };
  const raw = read.values;
  const parsed = await parseValues(raw, schemas);
  const issues = [...parsed.issues];
  if (issues.length === 0) {
    for (const [label, rule] of rules) {
      const checked = await checkValue(rule, parsed.values[label]);
      issues.push(...(checked.issues ?? []).map((issue) => `"${label}": ${issue}`));
    }
    issues.push(...(await wholeIssues(validate && (() => validate(parsed.values, inputs)))));
  }
  return { raw, values: issues.length === 0 ? parsed.values : undefined, issues };
}

/** Values as their schemas give them; those without a schema as they are. Never rejects. */
export async function parseValues(
  raw: Values,
  schemas: ReadonlyMap<string, StandardSchema>,
): Promise<{ readonly values: Values; readonly issues: readonly string[] }> {
  const issues: string[] = [];
  const values: [string, unknown][] = [];
  for (const [label, value] of Object.entries(raw)) {
    const schema = schemas.get(label);
    const checked = schema === undefined ? { value } : await checkValue(schema, value);
    if (checked.issues === undefined) values.push([label, checked.value]);
    else issues.push(...checked.issues.map((issue) => `"${label}": ${issue}`));
  }
  return { values: Object.fromEntries(values), issues };
}

/** What a check over several values says is wrong. Never rejects. */
export async function wholeIssues(check: (() => unknown) | undefined): Promise<readonly string[]> {
  if (check === undefined) return [];
  try {
    return issuesOf(await check()) ?? [];
  } catch (error) {
    return [`the check threw: ${shown(error)}`];
  }
}
