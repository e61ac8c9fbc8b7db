import type { Because, ReasonCode, ScoreBecause } from '@slackwater/shared';
import type { Request } from 'express';
import type { Finding } from '../decide/candidates/judge.ts';
import type { CandidatePolicy, ScorerCriterion } from '../options/candidates.ts';
import type { ScorerFacts } from '../scorers/scorer.ts';
import { asked } from './asked.ts';
import type { GateParts } from './gate-parts.ts';
import { andThen, isPromise } from './maybe-async.ts';
import type { RequestFacts } from './request-facts.ts';
import { classOf } from './requester-class.ts';

type FindParts = Pick<GateParts, 'options' | 'clock' | 'admissions' | 'candidates' | 'trouble'>;

const noClass = { name: undefined, unknown: false };

/**
 * Asks for everything that the criteria of a work type name; at once where nothing has to be awaited. What can't be asked
 * is left out, with a reason. Never throws or rejects.
 */
export function findCandidate(
  parts: FindParts,
  req: Request,
  facts: RequestFacts,
  policy: CandidatePolicy,
): Finding | Promise<Finding> {
  const { criteria, neverDeferFor } = policy;
  const scored = criteria.filter((criterion) => 'scorer' in criterion);
  const needsClass =
    neverDeferFor.length > 0 ||
    scored.length > 0 ||
    criteria.some((criterion) => 'requesterClass' in criterion);
  return andThen(needsClass ? classOf(parts, req) : noClass, ({ name, unknown }) => {
    const [partition] = facts.partitions;
    const { because, leftOut } = parts.candidates.measure(
      criteria,
      facts.partitions,
      // Of several partitions the first speaks for all: it is for the record alone.
      partition === undefined ? 0 : parts.admissions.thresholdOf(facts.rank, partition),
    );
    const known: Because = { ...because, ...(name === undefined ? {} : { requesterClass: name }) };
    const finding: Finding = { classUnknown: unknown, because: known, leftOut };
    // Whom nothing is deferred for is not scored either.
    const isExcluded = neverDeferFor.length > 0 && (unknown || neverDeferFor.includes(name ?? ''));
    if (scored.length === 0 || isExcluded) return finding;
    return andThen(ownFacts(parts, req), (own) => scores(parts, req, facts, finding, scored, own));
  });
}

type Own = Readonly<Record<string, unknown>>;

/** Undefined where the option failed: then nothing is scored by half of what there is to know. */
function ownFacts(
  { options, clock, trouble }: FindParts,
  req: Request,
): Own | undefined | Promise<Own | undefined> {
  const failed = (error: unknown): undefined => {
    trouble('asking for the facts for scorers', error);
    return undefined;
  };
  const read = (given: unknown): Own => {
    if (given === undefined) return {};
    if (typeof given === 'object' && given !== null) return given as Own;
    throw new TypeError(`scorerFacts gave what is no object: ${given === null ? 'null' : typeof given}`);
  };
  try {
    const own = options.scorerFacts?.(req);
    return isPromise(own)
      ? asked(clock, 'scorerFacts', () => own)
          .then(read)
          .catch(failed)
      : read(own);
  } catch (error) {
    return failed(error);
  }
}

function scores(
  parts: FindParts,
  req: Request,
  facts: RequestFacts,
  finding: Finding,
  criteria: readonly ScorerCriterion[],
  own: Own | undefined,
): Finding | Promise<Finding> {
  const unavailable: readonly ReasonCode[] = ['scorer-unavailable'];
  const without: Finding = { ...finding, leftOut: [...finding.leftOut, ...unavailable] };
  if (own === undefined) return without;
  const names = [...new Set(criteria.map(({ scorer }) => scorer))];
  const told = scorerFacts(parts, req, facts, finding, own);
  const answers = names.map((name) => parts.candidates.askScorer(name, told));
  const take = (said: readonly (ScoreBecause | undefined)[]): Finding => {
    const known = names.flatMap((name, at) => {
      const one = said[at];
      return one === undefined ? [] : [[name, one] as const];
    });
    if (known.length === 0) return without;
    const because: Because = { ...finding.because, scores: Object.fromEntries(known) };
    return { ...(known.length < names.length ? without : finding), because };
  };
  return answers.some(isPromise)
    ? Promise.all(answers).then(take)
    : take(answers as readonly (ScoreBecause | undefined)[]);
}

function scorerFacts(
  { candidates, clock }: FindParts,
  req: Request,
  facts: RequestFacts,
  { because }: Finding,
  own: Own,
): ScorerFacts {
  const at = new Date(clock.wallNow());
  const bodyBytes = Number(req.headers['content-length'] ?? 0);
  return {
    method: facts.method,
    route: facts.route ?? facts.path,
    workType: facts.workType.name,
    priority: facts.workType.priority,
    partition: facts.partitions[0] ?? '',
    requesterClass: because.requesterClass ?? '',
    bodyBytes: Number.isSafeInteger(bodyBytes) ? bodyBytes : 0,
    hour: at.getUTCHours(),
    weekday: at.getUTCDay(),
    metrics: candidates.metricsNow(facts.partitions),
    own,
  };
}
