import { type BlockInput, canonicalJson } from '@slackwater/shared';
import { parseValues } from './check-answer.ts';
import type { FunctionRegistry } from './functions.ts';
import type { Declared } from './labels.ts';
import type { Values } from './operation.ts';
import { refusedInput } from './operation-error.ts';
import { maxAnswerBytes } from './read-answer.ts';
import { shown } from './rules.ts';
import type { RunState } from './run-state.ts';
import { isStandardSchema, type StandardSchema } from './standard-schema.ts';
import { schemasOf } from './task-functions.ts';

/** Values that were given from outside: as JSON has them, and as tasks are given them. */
export interface GivenValues {
  readonly raw: Values;
  readonly values: Values;
}

/** Reads what an operation is started with: exactly the labels of its input. Throws `input-refused`. */
export async function readStart(
  operation: string,
  declared: ReadonlyMap<string, Declared>,
  given: unknown,
): Promise<GivenValues> {
  const values = given ?? {};
  if (typeof values !== 'object' || Array.isArray(values)) {
    throw refusedInput(
      operation,
      `it is started with ${shown(given)}; give an object with its input, by label`,
    );
  }
  const missing = [...declared.keys()].find((label) => !Object.hasOwn(values, label));
  if (missing !== undefined)
    throw refusedInput(operation, `it is started without "${missing}", which its input has`);
  return readGiven(operation, schemasAmong(declared), [...declared.keys()], values as Values);
}

/** What tasks of a run take from outside that has not come. */
export function openInputs(state: Pick<RunState, 'blocks' | 'given'>): readonly BlockInput[] {
  return outsideInputs(state).filter(({ label }) => !Object.hasOwn(state.given, label));
}

function outsideInputs({ blocks }: Pick<RunState, 'blocks'>): readonly BlockInput[] {
  const inputs = [...blocks.values()].flatMap(({ block }) => block.tasks.flatMap((task) => task.inputs));
  return inputs.filter(({ from }) => from === 'outside');
}

/** Reads what a run is given later, as JSON; what came before may be among it. Throws `input-refused`. */
export async function readInputs(
  state: RunState,
  given: Values,
  registry: FunctionRegistry,
): Promise<Values> {
  const outside = outsideInputs(state);
  const labels = [...new Set(outside.map(({ label }) => label))];
  const [first] = state.blocks.values();
  const operation = first?.block.operation ?? state.id;
  return (await readGiven(operation, schemasOf(outside, registry), labels, given)).raw;
}

/** Reads values that are given from outside, each under one of these labels. Throws `input-refused`. */
export async function readGiven(
  operation: string,
  schemas: ReadonlyMap<string, StandardSchema>,
  labels: readonly string[],
  given: Values,
): Promise<GivenValues> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw refusedInput(operation, `it is given ${shown(given)}; give an object with values by label`);
  }
  const known = new Set(labels);
  const unknown = Object.keys(given).find((label) => !known.has(label));
  if (unknown !== undefined) {
    const are = labels.length === 0 ? 'there is none' : `there are ${labels.join(', ')}`;
    throw refusedInput(operation, `it is given "${unknown}", and takes nothing of that name now; ${are}`);
  }
  const raw = asJson(operation, given);
  const { values, issues } = await parseValues(raw, schemas);
  if (issues.length > 0) throw refusedInput(operation, `what it is given is not valid: ${issues.join('; ')}`);
  return { raw, values };
}

function schemasAmong(declared: ReadonlyMap<string, Declared>): ReadonlyMap<string, StandardSchema> {
  return new Map(
    [...declared].flatMap(([label, one]) => (isStandardSchema(one) ? [[label, one] as const] : [])),
  );
}

function asJson(operation: string, given: Values): Values {
  let json: string;
  try {
    json = canonicalJson({ ...given });
  } catch (error) {
    throw refusedInput(operation, `what it is given can not be written as JSON: ${shown(error)}`);
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > maxAnswerBytes)
    throw refusedInput(operation, `it is given ${bytes} bytes of JSON; ${maxAnswerBytes} are the most`);
  return JSON.parse(json) as Values;
}
