import type { FunctionRegistry } from './functions.ts';
import type { Values } from './operation.ts';
import { OperationError } from './operation-error.ts';
import type { ToldRun } from './recorded-runs.ts';
import type { Digests, RunState } from './run-state.ts';
import { readInputs } from './start-values.ts';

/**
 * Gives a run values from outside; each label has one value for good. What was given before is not given again, if it is the same. Of two who give a
 * label at once the log decides; `now` reads what it says. Rejects with `input-refused`, `input-differs` or `operation-settled`.
 */
export async function giveInputs(
  { state, values, say }: ToldRun,
  given: Values,
  registry: FunctionRegistry,
  now: () => Promise<RunState | undefined>,
): Promise<void> {
  const raw = await readInputs(state, given, registry);
  const digests = await values.digests(raw);
  refuseDifferent(state, digests);
  const fresh = Object.keys(raw).filter((label) => !Object.hasOwn(state.given, label));
  if (fresh.length === 0) return;
  const { phase } = state;
  const course = phase.is === 'parked' ? phase.from : phase;
  if (course.is !== 'forward') {
    throw new OperationError(
      'operation-settled',
      `run ${state.id} goes forward no more, and takes no inputs`,
    );
  }
  await values.keepGiven(Object.fromEntries(fresh.map((label) => [label, raw[label]])), digests);
  const said = fresh.flatMap((label) => {
    const digest = digests[label];
    return digest === undefined ? [] : [[label, digest] as const];
  });
  await say('input-given', { values: Object.fromEntries(said) });
  const after = await now();
  if (after !== undefined) refuseDifferent(after, digests);
}

function refuseDifferent({ id, given }: RunState, digests: Digests): void {
  const other = Object.keys(digests).find(
    (label) => Object.hasOwn(given, label) && given[label] !== digests[label],
  );
  if (other === undefined) return;
  throw new OperationError(
    'input-differs',
    `run ${id} was given another value for "${other}" before, and keeps that one`,
  );
}
