import type { CandidatePolicy, Candidates, Criterion } from './candidates.ts';
import { readCriterion } from './check-criteria.ts';
import { OptionContradictionError, OptionInvalidError } from './option-error.ts';
import type { WorkTypeOptions } from './options.ts';
import { type Read, readGroup, within } from './read-group.ts';
import { arrayOf } from './read-values.ts';

const advice =
  "give 'always', { any: [...] } or { all: [...] } with criteria, { metric: 'poolWaiters', over: 5 }";
const readCriteria = arrayOf(readCriterion, 32, 'give an array of criteria');

/** The option `candidates` of a work type. */
export const readCandidates: Read<Candidates> = (value, option) => {
  if (value === 'always') return value;
  if (typeof value !== 'object') throw new OptionInvalidError(option, value, advice);
  const given = readGroup<{ any: readonly Criterion[]; all: readonly Criterion[] }>(
    value,
    option,
    { any: readCriteria, all: readCriteria },
    { advice },
  );
  const { any, all } = given;
  if (any !== undefined && all !== undefined) {
    throw new OptionContradictionError(
      option,
      'it has both any and all; is one criterion enough, or are all needed?',
    );
  }
  const criteria = any ?? all ?? [];
  if (criteria.length === 0) throw new OptionInvalidError(option, value, `it names no criterion; ${advice}`);
  return any === undefined ? { all: criteria } : { any: criteria };
};

/** Refuses candidates that would never come to bear, or always. */
export function checkCandidates(option: string, given: Partial<WorkTypeOptions>): void {
  const { exempt, whenOver, candidates, neverDeferFor } = given;
  const refuse = (name: string, what: string): never => {
    throw new OptionContradictionError(within(option, name), what);
  };
  if (candidates !== undefined && exempt === true) {
    refuse('candidates', 'given for an exempt work type, which is never postponed; leave out one of the two');
  }
  if (candidates === 'always' && whenOver !== 'defer') {
    refuse(
      'candidates',
      `"always" where nothing is deferred: every request would be asked to come back; say whenOver: 'defer' too`,
    );
  }
  if (neverDeferFor !== undefined && whenOver !== 'defer') {
    refuse('neverDeferFor', `given where nothing is deferred; say whenOver: 'defer' too, or leave it out`);
  }
}

/** How candidates are found; undefined where latency alone decides. */
export function candidatePolicy(
  candidates: Candidates | undefined,
  neverDeferFor: readonly string[] = [],
): CandidatePolicy | undefined {
  if (candidates === undefined) {
    if (neverDeferFor.length === 0) return undefined;
    return { mode: 'any', criteria: [{ metric: 'commitLatencyMs' }], neverDeferFor };
  }
  if (candidates === 'always') return { mode: 'always', criteria: [], neverDeferFor };
  return 'any' in candidates
    ? { mode: 'any', criteria: candidates.any, neverDeferFor }
    : { mode: 'all', criteria: candidates.all, neverDeferFor };
}

/** The options that such a policy comes of. */
export function candidateOptions(
  policy: CandidatePolicy | undefined,
): Pick<WorkTypeOptions, 'candidates' | 'neverDeferFor'> {
  if (policy === undefined) return {};
  const { mode, criteria, neverDeferFor } = policy;
  const candidates: Candidates =
    mode === 'always' ? mode : mode === 'any' ? { any: criteria } : { all: criteria };
  return { candidates, ...(neverDeferFor.length === 0 ? {} : { neverDeferFor }) };
}
