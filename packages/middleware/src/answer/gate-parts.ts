import type { ServerResponse } from 'node:http';
import type { Because, ReasonCode, ScoreBecause } from '@slackwater/shared';
import type { Request } from 'express';
import type { Clock } from '../clock.ts';
import type { Admitted } from '../decide/admitted.ts';
import type { CandidateVerdict, Finding } from '../decide/candidates/judge.ts';
import type { Measured } from '../decide/candidates/measurements.ts';
import type { LearnedRoutes } from '../decide/learned-routes.ts';
import type { ShadowTally } from '../decide/shadow-tally.ts';
import type { Stance } from '../decide/stance.ts';
import type { Completions } from '../drivers/driver.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { CandidatePolicy, Criterion } from '../options/candidates.ts';
import type { DecisionEvent, GateWarning } from '../options/gate-events.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import type { ScorerFacts } from '../scorers/scorer.ts';
import type { DeferralHome } from './deferral-resource.ts';
import type { RequestFacts } from './request-facts.ts';

/** What answering a request needs of the other stages. */
export interface GateParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly factsOf: (req: Request) => RequestFacts | Promise<RequestFacts>;
  /** Tells a handler in `req.slackwater` what the gate does for its request. */
  readonly tellHandler: (req: Request, res: ServerResponse, facts: RequestFacts | undefined) => void;
  readonly admissions: Admitting;
  readonly candidates: CandidateMeans;
  /** Undefined where nothing is deferred: there is no engine. */
  readonly recorders: Recorders | undefined;
  /** Counts what shadow mode would have done. */
  readonly shadow: Pick<ShadowTally, 'performed' | 'postponed'>;
  readonly learned: Pick<LearnedRoutes, 'again' | 'learn'>;
  /** How many transactions routes take; undefined while the ledger is not open. */
  readonly transactions: () => TransactionCounts | undefined;
  /** Whether anybody wants to know how each request was decided. */
  readonly decisionsAreHeard: () => boolean;
  readonly tellDecision: (event: DecisionEvent) => void;
  /** What is counted on the way; undefined where nobody reads it. */
  readonly meter: Meter | undefined;
  /** Whether the caller is to be told how it was decided. */
  readonly explainsTo: (req: Request) => boolean;
  readonly warn: (code: GateWarning['code'], message: string) => void;
  readonly trouble: (doing: string, error: unknown) => void;
}

/** What is counted of each request. */
export interface Meter {
  /** @param returned its caller had been asked to come back, and was recognised */
  decided(
    rank: number,
    decision: 'perform' | 'retry-later' | 'defer',
    reason: ReasonCode,
    returned: boolean,
  ): void;
  retryAfter(workType: string, waitMs: number): void;
  recorded(group: string, outcome: 'deferred' | 'not-deferred' | 'unknown', tookMs: number): void;
}

/** How many transactions the routes that may be deferred were seen to take. Both reject where that can't be asked or kept. */
export interface TransactionCounts {
  /** Undefined where the route was never seen to end well. */
  known(method: string, route: string): Promise<number | undefined>;
  learn(method: string, route: string, count: number): Promise<void>;
}

/** Who may be performed now, and when the others should come back. */
export interface Admitting {
  ask(rank: number, partitions: readonly string[], requester?: string, takesTurn?: boolean): Admitted;
  /** Whether it matters who asks. */
  areLimited(partitions: readonly string[]): boolean;
  /** Changes nothing. */
  wouldPerform(rank: number, partition: string): boolean;
  /** The present threshold there, ms. */
  thresholdOf(rank: number, partition: string): number;
  retryAfterMs(rank: number, partition: string, name?: string): number;
  /** Whether callers that were asked to come back may be among those who arrive. */
  readonly expectsReturns: boolean;
  /** Notes what became of a request. True where its caller, by that name, had been asked to come back. */
  arrived(rank: number, partitions: readonly string[], name: string | undefined, succeeded: boolean): boolean;
  stanceOf(rank: number, partition: string): Stance | undefined;
}

/** How candidates for being deferred are found, beside the latency of commits. */
export interface CandidateMeans {
  /** Counts an arriving request; undefined where nobody predicts any. */
  readonly countRequest: ((partitions: readonly string[]) => void) | undefined;
  measure(criteria: readonly Criterion[], partitions: readonly string[], thresholdMs: number): Measured;
  /** Everything that is measured, by name. */
  metricsNow(partitions: readonly string[]): Readonly<Record<string, number>>;
  /** Undefined where the scorer is left out. Never throws or rejects. */
  askScorer(name: string, facts: ScorerFacts): ScoreBecause | undefined | Promise<ScoreBecause | undefined>;
  judge(policy: CandidatePolicy, finding: Finding, latency: ReasonCode | undefined): CandidateVerdict;
  /** What stands in the record where latency alone decided. */
  becauseOfLatency(partition: string, thresholdMs: number): Because;
}

/** Where requests are recorded to be performed later: a place for each resource group. */
export interface Recorders {
  /**
   * That of the group which a request belongs to; at once where nobody has to be asked. Why there is none where `groupFor`
   * failed, or named none that exists: that is told. Never throws or rejects.
   */
  of(req: Request): Recorder | NoGroup | Promise<Recorder | NoGroup>;
  /** All the others. */
  others(than: Recorder): readonly Recorder[];
  /** The completion rows of a partition; `none` where its driver has none, undefined where nobody observes it. */
  readonly completionsOf: (partition: string) => Completions | 'none' | undefined;
}

/** Why a request belongs to no group. */
export type NoGroup = Extract<ReasonCode, 'group-unknown' | 'option-function-failed'>;

/** Where the requests of one resource group are recorded. */
export interface Recorder {
  readonly home: DeferralHome;
  /** Rejects where it can't be opened, or not in time. */
  readonly ledger: () => Promise<Ledger>;
  /** Something is on the queue of that partition. */
  readonly enqueued: (partition: string) => void;
  readonly pollAfterMs: (partition: string) => number;
}

/** Why a request is asked to come back instead of being deferred; more than what latency says. */
export type WhyNot = Extract<
  ReasonCode,
  | 'not-asked'
  | 'requester-unknown'
  | 'identity-not-captured'
  | 'body-not-capturable'
  | 'body-too-large'
  | 'completion-table-missing'
  | 'database-unreachable'
  | 'ledger-full'
  | 'ledger-unavailable'
  | 'ledger-timeout'
  | 'queue-full'
  | 'group-unknown'
  | 'option-function-failed'
>;
