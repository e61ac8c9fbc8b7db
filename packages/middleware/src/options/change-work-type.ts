import { type JsonValue, SlackwaterError } from '@slackwater/shared';
import type { Criterion } from './candidates.ts';
import { candidateOptions } from './check-candidates.ts';
import { checkNamed } from './check-sources.ts';
import { checkTogether } from './check-together.ts';
import { checkWorkType } from './check-work-types.ts';
import { nearestName } from './nearest-name.ts';
import { OptionContradictionError, OptionInvalidError, OptionUnknownError } from './option-error.ts';
import type { WorkTypeOptions } from './options.ts';
import { entriesOf, within } from './read-group.ts';
import type { ResolvedOptions, WorkTypePolicy } from './resolved.ts';

/** The members of a work type that can be changed while the gate runs. */
export const changeableMembers = [
  'thresholdMs',
  'whenOver',
  'candidates',
  'neverDeferFor',
  'deferWithoutAsking',
  'acknowledge',
  'repeatable',
  'shadow',
] as const satisfies readonly (keyof WorkTypeOptions)[];

/** Whose values are functions, or on which more rests than one work type. */
const fixedMembers = [
  'priority',
  'exempt',
  'candidates',
  'neverDeferFor',
  'result',
  'validate',
  'webhook',
  'maxDelayMs',
  'maxPostponeMs',
  'whenPostponedTooLong',
] as const satisfies readonly (keyof WorkTypeOptions)[];

/** One of {@link changeableMembers}. */
export type ChangeableMember = (typeof changeableMembers)[number];

/** Those members of a work type that are to change; the others stay as they are. */
export type WorkTypeChanges = Pick<WorkTypeOptions, ChangeableMember>;

const example = 'give an object with what is to change, { thresholdMs: 150 }';

/**
 * The members that a change names. Throws `option-invalid` for one that is fixed while the gate runs, and for a change of
 * nothing; `option-unknown` for what is no member. What the values may be {@link changedPolicy} tells.
 */
export function namedChanges(name: string, change: unknown): Readonly<Record<string, unknown>> {
  const option = within('workTypes', name);
  const named = entriesOf(change, option, example).filter(([, value]) => value !== undefined);
  for (const [member] of named) checkMember(option, member);
  if (named.length === 0) throw new OptionInvalidError(option, change, `it names nothing; ${example}`);
  return Object.fromEntries(named);
}

function checkMember(option: string, member: string): void {
  if (changeableMembers.some((one) => one === member)) return;
  const known = `what can be changed while the gate runs are ${changeableMembers.join(', ')}`;
  if (fixedMembers.some((one) => one === member)) {
    throw new OptionContradictionError(
      within(option, member),
      `it is fixed while the gate runs, give it when the gate is made; ${known}`,
    );
  }
  const meant = nearestName(member, [...changeableMembers]);
  throw new OptionUnknownError(
    within(option, member),
    `${meant === undefined ? '' : `did you mean ${meant}? `}${known}`,
  );
}

/** A configured work type leaves nothing unsaid. */
const configuredBefore = { thresholdMs: 'auto', shadow: false } as const;

/**
 * A configured work type with other values of its changeable members, checked as if it had been configured so, beside all
 * that is configured. Throws `option-invalid` and `option-missing`.
 */
export function changedPolicy(
  options: ResolvedOptions,
  configured: WorkTypePolicy,
  values: Readonly<Record<string, unknown>>,
): WorkTypePolicy {
  const { name, thresholdMs, candidates, result, compensate, validate, ...given } = configured;
  const acknowledge = values['acknowledge'] ?? configured.acknowledge;
  const changed = checkWorkType(
    name,
    {
      ...given,
      ...candidateOptions(candidates),
      thresholdMs: configured.exempt ? null : thresholdMs,
      ...values,
      ...(validate && { validate }),
      // It was given for the time when it is asked for.
      ...(result && acknowledge === 'succeeded' && { result }),
      ...(compensate && acknowledge === 'succeeded' && { compensate }),
    },
    configuredBefore,
  );
  const beside = { ...options, workTypes: [changed] };
  checkTogether(beside);
  checkNamed(beside);
  checkMeasured(options, changed);
  // What was accepted before the change is undone as it was.
  return { ...changed, result, compensate };
}

/** A changeable member of a work type as its options spell it; null where nothing is said. */
export function memberOf(policy: WorkTypePolicy, member: ChangeableMember): JsonValue {
  if (member === 'candidates' || member === 'neverDeferFor') {
    return (candidateOptions(policy.candidates)[member] ?? null) as JsonValue;
  }
  return policy[member] ?? null;
}

/** What is measured, listened to and predicted was settled when the gate was made: by what its work types named then. */
function checkMeasured({ workTypes }: ResolvedOptions, { name, candidates }: WorkTypePolicy): void {
  const before = workTypes.flatMap((one) => one.candidates?.criteria ?? []);
  for (const criterion of candidates?.criteria ?? []) {
    const source = sourceOf(criterion);
    if (source === undefined || before.some((one) => sourceOf(one) === source)) continue;
    throw new OptionContradictionError(
      within(within('workTypes', name), 'candidates'),
      `${source} is not looked at, for no work type named it when the gate was made; name it in the options of one`,
    );
  }
}

/** What of a criterion has to be looked after all the time; undefined where it is at hand when it is asked for. */
function sourceOf(criterion: Criterion): string | undefined {
  if ('forecast' in criterion) return `the forecast of ${criterion.forecast}`;
  if ('unavailable' in criterion) return 'whether databases can be reached';
  if (!('metric' in criterion) || ['commitLatencyMs', 'poolWaiters'].includes(criterion.metric))
    return undefined;
  return `the metric ${criterion.metric}`;
}

/** Code `precondition-failed`: what was to be changed is no longer as its changer saw it. */
export class ChangedMeanwhileError extends SlackwaterError {
  constructor(name: string) {
    super(
      'precondition-failed',
      `The work type ${name} is not what it was when its ETag was given. Read it again, and decide again.`,
    );
  }
}
