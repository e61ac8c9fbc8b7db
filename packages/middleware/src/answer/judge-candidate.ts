import type { Because, ReasonCode } from '@slackwater/shared';
import type { Request } from 'express';
import type { Admitted } from '../decide/admitted.ts';
import type { Finding } from '../decide/candidates/judge.ts';
import type { CandidatePolicy } from '../options/candidates.ts';
import { findCandidate } from './find-candidate.ts';
import type { GateParts, WhyNot } from './gate-parts.ts';
import { isPromise } from './maybe-async.ts';
import type { RequestFacts } from './request-facts.ts';

/** Why a request is let through or not. */
export interface Grounds {
  readonly reasons: readonly ReasonCode[];
  readonly because: Because;
}

/** What may be done with a request that was judged. */
export interface CandidateActs<Judged> {
  perform(judged: Judged, admitted: Extract<Admitted, { readonly perform: true }>, grounds: Grounds): void;
  /** Trouble of the gate's own, before anything was done. */
  failed(judged: Judged, error: unknown): void;
  /**
   * Defers it, or asks to come back. `how` says what to do where it can't be deferred and nothing of it was consumed, or that it
   * must not be deferred; without it, who can't be deferred is asked to come back.
   */
  postpone(
    judged: Judged,
    partition: string | undefined,
    grounds: Grounds,
    how?: 'never-defer' | ((why: WhyNot) => void),
  ): void;
}

/** Judges requests by more than the latency of commits. */
export interface CandidateJudge<Judged> {
  judge(judged: Judged, policy: CandidatePolicy): void;
  /** Why a request must not be deferred for any reason; undefined where nothing is against it. Never rejects. */
  whyNeverDeferred(judged: Judged): Promise<ReasonCode | undefined>;
}

interface Judgeable {
  readonly req: Request;
  readonly facts: RequestFacts;
  /** Whose share it would be let through in; undefined where nobody was asked. */
  readonly sharer?: string;
}

/**
 * Makes the function that judges requests of work types with `candidates` or `neverDeferFor`. Commit latency postpones
 * them as it does all others; whether they are deferred for that, or for something else, the criteria say.
 */
export function byCandidates<Judged extends Judgeable>(
  parts: GateParts,
  acts: CandidateActs<Judged>,
): CandidateJudge<Judged> {
  const { admissions, candidates, recorders } = parts;

  function conclude(judged: Judged, policy: CandidatePolicy, finding: Finding): void {
    const { workType, rank, partitions } = judged.facts;
    const { because } = finding;
    const isLate = partitions.some((partition) => !admissions.wouldPerform(rank, partition));
    // What is postponed is counted as waiting; what may be deferred for something else must not take the place of a probe.
    const postponed = isLate
      ? postponedBy(admissions.ask(rank, partitions, judged.sharer, false))
      : undefined;
    const { candidate, fired, notes, passes } = candidates.judge(policy, finding, postponed?.reason);
    const partition = postponed?.partition ?? partitions[0];
    if (!candidate) {
      // It is not deferred, so its work type's turn may have come.
      askAndJudge(judged, policy, finding, notes);
      return;
    }
    const reasons = [...fired, ...notes];
    if (workType.whenOver === 'retry-later' || recorders === undefined) {
      acts.postpone(judged, partition, { reasons, because });
    } else if (partition === undefined || recorders.completionsOf(partition) === undefined) {
      // Nobody knows yet where it goes to, or has seen a commit there: what waits for that might wait for ever.
      ask(judged, [...reasons, 'partition-unknown'], because);
    } else if (passes || postponed !== undefined) {
      acts.postpone(judged, partition, { reasons, because });
    } else {
      // Tomorrow it would be as much of a candidate: who can't be deferred must not be told to come back for ever.
      acts.postpone(judged, partition, { reasons, because }, (why) =>
        ask(judged, [...reasons, why], because),
      );
    }
  }

  /** Who asks may matter: what another would be let through for may be a reason to defer this one. */
  function askAndJudge(
    judged: Judged,
    policy: CandidatePolicy,
    finding: Finding,
    notes: readonly ReasonCode[],
  ): void {
    const { rank, partitions } = judged.facts;
    const { because } = finding;
    const admitted = admissions.ask(rank, partitions, judged.sharer);
    if (admitted.perform) {
      acts.perform(judged, admitted, { reasons: [admitted.reason, ...notes], because });
      return;
    }
    const { candidate, fired } = candidates.judge(policy, finding, admitted.reason);
    const reasons = candidate ? fired : [admitted.reason];
    const grounds = { reasons: [...reasons, ...notes], because };
    acts.postpone(judged, admitted.partition, grounds, candidate ? undefined : 'never-defer');
  }

  /** It goes by latency alone. */
  function ask(judged: Judged, notes: readonly ReasonCode[], because: Because): void {
    const { rank, partitions } = judged.facts;
    const admitted = admissions.ask(rank, partitions, judged.sharer);
    const grounds = { reasons: [admitted.reason, ...notes], because };
    if (admitted.perform) acts.perform(judged, admitted, grounds);
    else acts.postpone(judged, admitted.partition, grounds, 'never-defer');
  }

  function judge(judged: Judged, policy: CandidatePolicy): void {
    const finding = findCandidate(parts, judged.req, judged.facts, policy);
    if (!isPromise(finding)) {
      conclude(judged, policy, finding);
      return;
    }
    finding
      .then((found) => conclude(judged, policy, found))
      .catch((error: unknown) => acts.failed(judged, error));
  }

  return {
    judge,
    async whyNeverDeferred({ req, facts }) {
      const { candidates: policy } = facts.workType;
      if (policy === undefined || policy.neverDeferFor.length === 0) return undefined;
      const finding = await findCandidate(parts, req, facts, { ...policy, criteria: [] });
      const { excluded, notes } = candidates.judge(policy, finding, undefined);
      return excluded ? notes[0] : undefined;
    },
  };
}

function postponedBy(admitted: Admitted): Extract<Admitted, { readonly perform: false }> | undefined {
  if (!admitted.perform) return admitted;
  // Between the two looks nothing happens; were it otherwise, its place is free again.
  admitted.entry.finished();
  return undefined;
}
