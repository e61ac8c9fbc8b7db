import type { Because, ReasonCode } from '@slackwater/shared';
import type { CandidatePolicy, Criterion } from '../../options/candidates.ts';

/** What is known of a request beyond the latency of commits, when it is judged. */
export interface Finding {
  /** It was asked for and could not be told: its function failed. */
  readonly classUnknown: boolean;
  /** What was asked and answered, for the record; also what the criteria are held against. */
  readonly because: Because;
  /** Metrics and scorers that could not be asked. */
  readonly leftOut: readonly ReasonCode[];
}

/** Whether a request is a candidate for being postponed. */
export interface CandidateVerdict {
  readonly candidate: boolean;
  /** Its class of requesters is never deferred. */
  readonly excluded: boolean;
  /** What fired, in the order of the criteria; then what is to be known besides. */
  readonly fired: readonly ReasonCode[];
  readonly notes: readonly ReasonCode[];
  /** Something that fired passes by itself, so that coming back later makes sense. */
  readonly passes: boolean;
}

/** Criteria that do not depend on the time: what they say today they say tomorrow. */
const lasting: ReadonlySet<ReasonCode> = new Set(['always-defer', 'requester-class', 'scored']);

/**
 * Judges a request by the criteria of its work type. What was left out counts as not fired, and so does what nobody knows:
 * nothing is postponed for it. Exclusion goes before everything.
 *
 * @param latency why the request would be postponed for the latency of commits; undefined where it would not
 */
export function judgeCandidate(
  policy: CandidatePolicy,
  finding: Finding,
  latency: ReasonCode | undefined,
): CandidateVerdict {
  const { requesterClass } = finding.because;
  // Who can't be told may be one of those who must not be deferred.
  const excluded =
    policy.neverDeferFor.length > 0 &&
    (finding.classUnknown || (requesterClass !== undefined && policy.neverDeferFor.includes(requesterClass)));
  const unknown: readonly ReasonCode[] = finding.classUnknown ? ['requester-class-unknown'] : [];
  if (excluded) {
    const notes: readonly ReasonCode[] = [
      finding.classUnknown ? 'requester-class-unknown' : 'never-defer-class',
    ];
    return { candidate: false, excluded, fired: [], notes, passes: true };
  }
  const answers = policy.criteria.map((criterion) => reasonOf(criterion, finding.because, latency));
  const fired = [...new Set(answers.filter((reason) => reason !== undefined))];
  const reasons: readonly ReasonCode[] = policy.mode === 'always' ? ['always-defer'] : fired;
  const candidate =
    policy.mode === 'always' || (policy.mode === 'any' ? fired.length > 0 : !answers.includes(undefined));
  return {
    candidate,
    excluded,
    fired: reasons,
    notes: [...unknown, ...finding.leftOut],
    passes: reasons.some((reason) => !lasting.has(reason)),
  };
}

/** Why a criterion fires; undefined where it does not. */
export function reasonOf(
  criterion: Criterion,
  because: Because,
  latency: ReasonCode | undefined,
): ReasonCode | undefined {
  if ('requesterClass' in criterion) {
    const { requesterClass } = because;
    const isOne = requesterClass !== undefined && criterion.requesterClass.includes(requesterClass);
    return isOne ? 'requester-class' : undefined;
  }
  if ('metric' in criterion) {
    if (criterion.over === undefined) return latency;
    const measured = because.metrics?.[criterion.metric];
    return measured !== undefined && measured.value > criterion.over ? 'metric-over' : undefined;
  }
  if ('forecast' in criterion) {
    const { forecast, withinMs, over, probability = 0.5 } = criterion;
    const predicted = because.forecasts?.find(
      (one) => one.forecast === forecast && one.withinMs === withinMs && one.over === over,
    );
    return predicted !== undefined && predicted.probability >= probability ? 'workload-predicted' : undefined;
  }
  if ('unavailable' in criterion)
    return because.unreachable === undefined ? undefined : 'database-unreachable';
  const said = because.scores?.[criterion.scorer];
  if (said === undefined) return undefined;
  const { over, labels } = criterion;
  const speaksForIt =
    said.defer === true ||
    (over !== undefined && said.score !== undefined && said.score > over) ||
    (labels !== undefined && said.label !== undefined && labels.includes(said.label));
  return speaksForIt ? 'scored' : undefined;
}
