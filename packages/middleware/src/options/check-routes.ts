import { checkRouteKey } from './check-route-key.ts';
import { nearestName } from './nearest-name.ts';
import { OptionContradictionError, OptionInvalidError } from './option-error.ts';
import type { RouteOptions } from './options.ts';
import { entriesOf, type Read, type Readers, readGroup, within } from './read-group.ts';
import { arrayOf, isFunction, orFunction, text } from './read-values.ts';
import type { RouteRule, WorkTypePolicy } from './resolved.ts';
import { quoted } from './said.ts';

const partitionName = text(200, 'the name of a partition');
const partitionAdvice = "give a name such as 'orders', several in an array, or a function";
const partitionNames = arrayOf(partitionName, 100, partitionAdvice);

/** One partition, several, or a function that gives them. */
export const readPartition: Read<NonNullable<RouteOptions['partition']>> = orFunction((value, option) => {
  if (typeof value === 'string') return partitionName(value, option);
  const names = partitionNames(value, option);
  if (names.length === 0) throw new OptionInvalidError(option, value, partitionAdvice);
  return names;
});

/** The name of a work type that exists. */
export function workTypeName(workTypes: readonly WorkTypePolicy[]): Read<string> {
  const names = workTypes.map(({ name }) => name);
  return (value, option) => {
    const name = names.find((candidate) => candidate === value);
    if (name !== undefined) return name;
    const meant = typeof value === 'string' ? nearestName(value, names) : undefined;
    const question = meant === undefined ? '' : `did you mean ${quoted(meant)}? `;
    const known = `the work types are ${names.join(', ')}`;
    if (typeof value !== 'string') throw new OptionInvalidError(option, value, known);
    throw new OptionContradictionError(option, `${quoted(value)} is no work type; ${question}${known}`);
  };
}

/**
 * The rules of the table in its order. `fallback` is the work type of a rule that names none, undefined where a function
 * decides. Throws `option-invalid` and `option-unknown`.
 */
export function checkRoutes(
  value: unknown,
  workTypes: readonly WorkTypePolicy[],
  fallback: string | undefined,
): readonly RouteRule[] {
  if (value === undefined) return [];
  const readers: Readers<RouteOptions> = {
    workType: orFunction(workTypeName(workTypes)),
    partition: readPartition,
    orderKey: orFunction(text(1_024, 'a key')),
  };
  const advice = "give rules by method and path, { 'POST /orders/:id': { workType: 'settle' } }";
  return entriesOf(value, 'routes', advice).map(([key, options]) => {
    const option = within('routes', key);
    const { method, pattern } = checkRouteKey(key, option);
    const given = readGroup<RouteOptions>(options, option, readers, {
      advice: "give an object, { workType: 'settle' }",
    });
    const { workType, partition, orderKey } = given;
    if (orderKey !== undefined) checkOrdered(option, workType ?? fallback, workTypes);
    return { method, pattern, workType, partition, orderKey };
  });
}

function checkOrdered(option: string, workType: unknown, workTypes: readonly WorkTypePolicy[]): void {
  if (isFunction(workType)) return;
  const exempt = workTypes.find(({ name }) => name === workType)?.exempt === true;
  if (!exempt) return;
  throw new OptionContradictionError(
    within(option, 'orderKey'),
    `given for the exempt work type ${workType}: work that is never postponed can not wait for its turn; leave it out, or name another work type`,
  );
}
