import { type Problem, parseProblem } from '@slackwater/shared';
import type { AxiosResponse } from 'axios';
import { isRecord, jsonBodyOf } from './json-body.ts';

/** What the client reads of a problem document of Slackwater (RFC 9457). */
export interface ProblemFacts {
  readonly document: Problem;
  readonly code: string;
  /** False: nothing was recorded. "unknown": it may have been. Undefined where the document doesn't say. */
  readonly recorded: false | 'unknown' | undefined;
  /** The opaque tag of the partition. */
  readonly partition: string | undefined;
  readonly workType: string | undefined;
  /** The deciding one first; empty where the document says none. */
  readonly reasons: readonly string[];
}

/** The problem document in an answer; undefined where there is none, or where it can't be read without using a stream up. */
export async function problemOf(response: AxiosResponse<unknown>): Promise<ProblemFacts | undefined> {
  const body = await jsonBodyOf(response);
  const document = parseProblem(body);
  if (document === undefined || !isRecord(body)) return undefined;
  const { recorded, partition, workType, reasons } = body;
  return {
    document,
    code: document.code,
    recorded: recorded === false || recorded === 'unknown' ? recorded : undefined,
    partition: textOf(partition),
    workType: textOf(workType),
    reasons: Array.isArray(reasons) ? reasons.filter((reason) => typeof reason === 'string') : [],
  };
}

/** Names become keys of what the client remembers, so they are short. */
export const longestName = 256;

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= longestName ? value : undefined;
}
