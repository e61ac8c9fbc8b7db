import type { ServerResponse } from 'node:http';
import type { NextFunction, Request } from 'express';
import type { GateParts, Recorder } from './gate-parts.ts';
import type { KeyedState } from './keyed-requests.ts';
import type { RequestFacts } from './request-facts.ts';
import { requesterOf } from './requester.ts';

/** One request and its answer. */
export interface Exchange {
  readonly req: Request;
  readonly res: ServerResponse;
  readonly next: NextFunction;
}

/** A request that is to be judged, with what its key and its requester say. */
export interface Candidate extends Exchange {
  readonly facts: RequestFacts;
  readonly requester: string | undefined;
  readonly keyed: KeyedState;
  /** Of the group it belongs to, where that was asked for already. */
  readonly recorder?: Recorder;
  /** Whose share it would be let through in, empty for all whom nobody knows; undefined where that does not matter. */
  readonly sharer?: string;
}

/** Whether it matters who a request is made for: only where that can be asked, and one of its partitions takes little. */
export function sharesPlaces(
  { options, admissions }: Pick<GateParts, 'options' | 'admissions'>,
  { facts }: Pick<Candidate, 'facts'>,
): boolean {
  return options.requester !== undefined && !facts.workType.shadow && admissions.areLimited(facts.partitions);
}

/** The request with whose share it would be let through in. Requesters that can't be told have one together. Never rejects. */
export async function withSharer(
  parts: Parameters<typeof requesterOf>[0],
  candidate: Candidate,
): Promise<Candidate> {
  const requester = candidate.requester ?? (await requesterOf(parts, candidate.req)).name;
  return { ...candidate, requester, sharer: requester ?? '' };
}
