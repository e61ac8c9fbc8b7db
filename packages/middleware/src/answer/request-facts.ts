import type { ReasonCode } from '@slackwater/shared';
import type { WorkTypePolicy } from '../options/resolved.ts';

/** What the decision goes by. Requests that are alike may have one object of it. */
export interface RequestFacts {
  readonly method: string;
  /** As it came, without the query. */
  readonly path: string;
  /** Pattern of the rule that matched. */
  readonly route: string | undefined;
  readonly workType: WorkTypePolicy;
  /** Where its work type stands among all, the most important first. */
  readonly rank: number;
  /** A function failed to say its work type, or named none that exists: it has the default one. */
  readonly workTypeUnknown: boolean;
  /** False for a safe method that no rule speaks of: it is none of the gate's business. */
  readonly claimed: boolean;
  readonly partitions: readonly string[];
  /** The options said them; else they were learned, or are not known. */
  readonly partitionsSaid: boolean;
  readonly orderKey: string | undefined;
  /** What its order is could not be told: it must not be deferred. */
  readonly orderUnknown: boolean;
}

/** Where a request commits. */
export type Place = Pick<RequestFacts, 'partitions' | 'partitionsSaid'>;

/** What it must come after. */
export type Order = Pick<RequestFacts, 'orderKey' | 'orderUnknown'>;

/** The facts of a request. Member by member: of three objects spread into one, V8 makes one that takes ten times as long. */
export function wholeFacts(
  {
    method,
    path,
    route,
    workType,
    rank,
    workTypeUnknown,
    claimed,
  }: Omit<RequestFacts, keyof Place | keyof Order>,
  { partitions, partitionsSaid }: Place,
  { orderKey, orderUnknown }: Order,
): RequestFacts {
  return {
    method,
    path,
    route,
    workType,
    rank,
    workTypeUnknown,
    claimed,
    partitions,
    partitionsSaid,
    orderKey,
    orderUnknown,
  };
}

/** The reasons of a decision, with what is to be known of the request besides. */
export function withNotes(
  { workTypeUnknown }: Pick<RequestFacts, 'workTypeUnknown'>,
  reasons: readonly ReasonCode[],
): readonly ReasonCode[] {
  return workTypeUnknown ? [...reasons, 'work-type-unknown'] : reasons;
}
