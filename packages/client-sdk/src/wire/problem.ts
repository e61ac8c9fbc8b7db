import { parseProblem } from '@slackwater/shared';
import type { AxiosResponse } from 'axios';
import { isRecord, jsonBodyOf } from './json-body.ts';

/** What the client reads of a problem document of Slackwater (RFC 9457). */
export interface ProblemFacts {
  readonly code: string;
  /** False: nothing was recorded. "unknown": it may have been. Undefined where the document doesn't say. */
  readonly recorded: false | 'unknown' | undefined;
}

/** The problem document in an answer; undefined where there is none, or where it can't be read without using a stream up. */
export async function problemOf(response: AxiosResponse<unknown>): Promise<ProblemFacts | undefined> {
  const body = await jsonBodyOf(response);
  const problem = parseProblem(body);
  if (problem === undefined || !isRecord(body)) return undefined;
  const { recorded } = body;
  return {
    code: problem.code,
    recorded: recorded === false || recorded === 'unknown' ? recorded : undefined,
  };
}
