import type { ServerResponse } from 'node:http';
import { createProblem, headerNames } from '@slackwater/shared';
import { sendAnswer, sendEmpty, sendProblem } from '../send.ts';
import type { RunAnswer } from './contract.ts';

/** Answers as a run ended. @param appliedWaitMs the time that its caller preferred to wait, where that counted */
export function sendRunAnswer(res: ServerResponse, { outcome }: RunAnswer, appliedWaitMs?: number): void {
  if (res.headersSent || res.destroyed) return;
  res.appendHeader(headerNames.vary, headerNames.prefer);
  if (outcome === undefined) {
    sendProblem(res, unmade);
    return;
  }
  const applied = appliedWaitMs === undefined ? undefined : `wait=${appliedWaitMs / 1_000}`;
  const headers = applied === undefined ? {} : { [headerNames.preferenceApplied]: applied };
  const [, contentType] = outcome.headers.find(([name]) => name === 'content-type') ?? [];
  if (contentType === undefined) sendEmpty(res, outcome.status, headers);
  else sendAnswer(res, outcome.status, headers, { contentType, body: outcome.body });
}

const unmade = createProblem(
  'internal-error',
  'The operation succeeded, and its answer could not be made. Its owner has been told why.',
);
