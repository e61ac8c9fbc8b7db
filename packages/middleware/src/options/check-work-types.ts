import type { WebhookTarget } from '../perform/webhooks/webhook-types.ts';
import { candidatePolicy, checkCandidates, readCandidates } from './check-candidates.ts';
import { readClasses } from './check-criteria.ts';
import { readWebhook } from './check-webhooks.ts';
import { OptionContradictionError, OptionInvalidError, OptionMissingError } from './option-error.ts';
import { type WorkTypeOptions, workTypeDefaults } from './options.ts';
import { entriesOf, type Readers, readGroup, within } from './read-group.ts';
import { readThreshold, type Threshold } from './read-threshold.ts';
import { flag, functionOf, milliseconds, namePattern, nameRule, number, oneOf } from './read-values.ts';
import type { WorkTypePolicy } from './resolved.ts';

type Read = Omit<WorkTypeOptions, 'thresholdMs' | 'webhook'> & {
  readonly thresholdMs?: Threshold | null;
  readonly webhook?: WebhookTarget;
};

/** What counts for work types that do not say. */
export type Unsaid = Pick<WorkTypePolicy, 'shadow'> & { readonly thresholdMs: Threshold };

const readers: Readers<Read> = {
  priority: number({ from: 1, to: 1_000 }),
  exempt: flag,
  // null is a way to say "none", which an exempt work type has and no other may have.
  thresholdMs: (value, option) => (value === null ? null : readThreshold(value, option)),
  whenOver: oneOf(['retry-later', 'defer']),
  candidates: readCandidates,
  neverDeferFor: readClasses,
  maxDelayMs: milliseconds(1_000, 30 * 86_400_000),
  maxPostponeMs: milliseconds(1_000, 366 * 86_400_000),
  whenPostponedTooLong: oneOf(['alert', 'perform', 'fail']),
  deferWithoutAsking: flag,
  acknowledge: oneOf(['deferred', 'succeeded']),
  result: functionOf('(req) => ({ status: 200, body: { accepted: true } })'),
  compensate: functionOf('async ({ of, idempotencyKey }) => { await refund(of, idempotencyKey); }'),
  validate: functionOf("(req) => (req.query.sku === undefined ? 'sku is missing' : undefined)"),
  repeatable: flag,
  webhook: readWebhook,
  shadow: flag,
};

const example = 'give work types by name, { settle: { priority: 2, thresholdMs: 200 } }';

/**
 * The work types, the most important first. Throws `option-invalid`, `option-unknown` and `option-missing`.
 */
export function checkWorkTypes(value: unknown, unsaid: Unsaid): readonly WorkTypePolicy[] {
  if (value === undefined) return [policyOf('default', { priority: 1 }, unsaid)];
  const entries = entriesOf(value, 'workTypes', example);
  if (entries.length === 0) {
    throw new OptionInvalidError(
      'workTypes',
      value,
      `it names none; ${example}, or leave it out for one default`,
    );
  }
  return entries
    .map(([name, options]) => checkWorkType(name, options, unsaid))
    .sort((a, b) => a.priority - b.priority);
}

/** One of them. Throws the same. */
export function checkWorkType(name: string, value: unknown, unsaid: Unsaid): WorkTypePolicy {
  const option = within('workTypes', name);
  if (!namePattern.test(name))
    throw new OptionContradictionError(option, `a work type's name is ${nameRule}`);
  const given = readGroup<Read>(value, option, readers, {
    advice: 'give an object, { priority: 2, thresholdMs: 200 }',
  });
  const { priority } = given;
  if (priority === undefined) {
    throw new OptionMissingError(
      within(option, 'priority'),
      'every work type has one; give a whole number from 1, the most important, to 1,000',
    );
  }
  checkThreshold(option, given);
  if (given.shadow === true && given.exempt === true) {
    throw new OptionContradictionError(
      within(option, 'shadow'),
      'true on an exempt work type, which is let through anyway; leave out one of the two',
    );
  }
  checkDeferring(option, given);
  checkPostponing(option, given);
  checkCandidates(option, given);
  return policyOf(name, { ...given, priority }, unsaid);
}

function checkThreshold(option: string, { exempt, thresholdMs }: Partial<Read>): void {
  const name = within(option, 'thresholdMs');
  if (exempt === true && thresholdMs !== undefined && thresholdMs !== null) {
    throw new OptionContradictionError(
      name,
      `${thresholdMs} on an exempt work type, which is never postponed; leave it out, or leave out exempt`,
    );
  }
  if (exempt !== true && thresholdMs === null) {
    throw new OptionInvalidError(
      name,
      thresholdMs,
      'give a number of milliseconds or "auto", or exempt: true for work that is never postponed',
    );
  }
}

/** Read again of a work type that is changed, it says so by the word that is the default. */
function checkPostponing(
  option: string,
  { maxPostponeMs, whenPostponedTooLong = 'alert' }: Partial<Read>,
): void {
  if (maxPostponeMs !== undefined || whenPostponedTooLong === 'alert') return;
  throw new OptionMissingError(
    within(option, 'maxPostponeMs'),
    `whenPostponedTooLong is "${whenPostponedTooLong}", and nothing says how long is too long; give a number of milliseconds`,
  );
}

/** Options that would never come to bear are mistakes: what they say is not what will happen. */
function checkDeferring(option: string, given: Partial<Read>): void {
  const { exempt, whenOver, maxDelayMs, deferWithoutAsking, acknowledge, result, compensate } = given;
  const refuse = (name: string, what: string): never => {
    throw new OptionContradictionError(within(option, name), what);
  };
  if (whenOver === 'defer' && exempt === true) {
    refuse('whenOver', '"defer" on an exempt work type, which is never postponed; leave out one of the two');
  }
  if (maxDelayMs !== undefined && whenOver !== 'defer') {
    refuse(
      'maxDelayMs',
      `${maxDelayMs} where nothing is deferred, and nothing promised; say whenOver: 'defer' too, or leave it out`,
    );
  }
  if (deferWithoutAsking === true && whenOver !== 'defer') {
    refuse(
      'deferWithoutAsking',
      `true where nothing is deferred; say whenOver: 'defer' too, or leave it out`,
    );
  }
  if (acknowledge === 'succeeded' && whenOver !== 'defer') {
    refuse(
      'acknowledge',
      `"succeeded" where nothing is deferred; say whenOver: 'defer' too, or leave it out`,
    );
  }
  if (acknowledge === 'succeeded' && result === undefined) {
    throw new OptionMissingError(
      within(option, 'result'),
      `acknowledge: 'succeeded' answers with the success that it gives; give a function of the request`,
    );
  }
  if (result !== undefined && acknowledge !== 'succeeded') {
    refuse(
      'result',
      `given where nobody is answered with it; say acknowledge: 'succeeded' too, or leave it out`,
    );
  }
  if (compensate !== undefined && acknowledge !== 'succeeded') {
    refuse(
      'compensate',
      `given where no success is told that could be undone; say acknowledge: 'succeeded' too, or leave it out`,
    );
  }
}

function policyOf(
  name: string,
  given: { readonly priority: number } & Partial<Read>,
  unsaid: Unsaid,
): WorkTypePolicy {
  const { candidates: wanted, neverDeferFor, ...rest } = given;
  const candidates = candidatePolicy(wanted, neverDeferFor);
  const whole = {
    ...workTypeDefaults,
    result: undefined,
    compensate: undefined,
    validate: undefined,
    maxDelayMs: undefined,
    maxPostponeMs: undefined,
    webhook: undefined,
    ...rest,
    candidates,
  };
  if (whole.exempt) return { ...whole, name, thresholdMs: undefined, shadow: false };
  const { thresholdMs = unsaid.thresholdMs, shadow = unsaid.shadow } = given;
  return { ...whole, name, thresholdMs: thresholdMs ?? unsaid.thresholdMs, shadow };
}
