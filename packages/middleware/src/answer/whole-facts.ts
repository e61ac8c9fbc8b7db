import type { RequestFacts } from './request-facts.ts';

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
