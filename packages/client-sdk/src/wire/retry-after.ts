import { headerNames, parseHttpDate, parseRetryAfter, parseRetryAfterMs } from '@slackwater/shared';
import type { AxiosResponse } from 'axios';
import { headerOf } from './headers.ts';
import type { ProblemFacts } from './problem.ts';

/**
 * How many milliseconds an answer asks its caller to wait: `Slackwater-Retry-After-Ms` where it is there, else
 * `Retry-After` as seconds or as a date in any of RFC 9110's three forms. A date is measured against the
 * answer's own `Date`, so that a wrong clock on either side doesn't matter. Of several values the first counts, which is also
 * all that Node.js shows of them. Undefined where it asks nothing that can be understood.
 */
export function askedWaitMs(response: AxiosResponse<unknown>, wallMs: number): number | undefined {
  const exactMs = parseRetryAfterMs(headerOf(response, headerNames.retryAfterMs));
  if (exactMs !== undefined) return exactMs;
  const serverDateMs = parseHttpDate(headerOf(response, headerNames.date) ?? '', wallMs);
  const value = headerOf(response, headerNames.retryAfter) ?? '';
  for (const first of beginningsOf(value)) {
    const askedMs = parseRetryAfter(first, wallMs, serverDateMs);
    if (askedMs !== undefined) return askedMs;
  }
  return undefined;
}

/** The text up to each of its first commas, and the whole: dates have commas of their own. */
function* beginningsOf(value: string): Iterable<string> {
  let comma = value.indexOf(',');
  for (let commas = 0; comma >= 0 && commas < 4; commas++) {
    yield value.slice(0, comma);
    comma = value.indexOf(',', comma + 1);
  }
  yield value;
}

/** Whether a 503 is Slackwater's "retry later", and not some proxy's. */
export function isSlackwaterRetryLater(
  response: AxiosResponse<unknown>,
  problem: ProblemFacts | undefined,
): boolean {
  if (headerOf(response, headerNames.retryAfterMs) !== undefined) return true;
  return problem?.code === 'retry-later' || problem?.code === 'record-fate-unknown';
}
