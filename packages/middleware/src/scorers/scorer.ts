/**
 * The scorer contract: something that looks at a request and says whether it should be postponed. Rules, a trained model,
 * or a function of the application's own.
 *
 * Law:
 * - It may answer at once or as a promise. One that throws, rejects, gives what is no answer, or takes longer than the
 *   gate's `scorerTimeoutMs` is left out of that decision.
 * - It is asked on the path of a request: what takes long belongs elsewhere. Nothing can interrupt a loop.
 * - It changes nothing, and keeps nothing of what it is given.
 */
export interface Scorer {
  score(facts: ScorerFacts): ScorerAnswer | Promise<ScorerAnswer>;
}

/** What a scorer is told of a request. */
export interface ScorerFacts {
  readonly method: string;
  /** The route's pattern, or the path where no rule matched. */
  readonly route: string;
  readonly workType: string;
  /** 1 is the most important. */
  readonly priority: number;
  /** The first of its partitions; empty where none is known. */
  readonly partition: string;
  /** Empty where there is none. */
  readonly requesterClass: string;
  /** Of the body, as the caller says; 0 where it says nothing. */
  readonly bodyBytes: number;
  /** 0 to 23, UTC. */
  readonly hour: number;
  /** 0, Sunday, to 6, UTC. */
  readonly weekday: number;
  /** What is measured now: commit latency and pool waiters of the partition, and what the criteria of work types name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** What the gate's `scorerFacts` gave. */
  readonly own: Readonly<Record<string, unknown>>;
}

/** What a scorer says: a number, a word, or yes or no. */
export type ScorerAnswer = (
  | { readonly score: number }
  | { readonly label: string }
  | { readonly defer: boolean }
) & {
  /** Of the model or the rules, to stand in the record; up to 100 characters. */
  readonly version?: string;
  /** The rule that fired, to stand in the record; up to 200 characters. */
  readonly ruleId?: string;
};
