import type { ServerResponse } from 'node:http';
import { createProblem, isSlackwaterError, type ReasonCode } from '@slackwater/shared';
import { ledgerTrouble } from '../ledger-trouble.ts';
import { sendRetryLater } from '../retry-later.ts';
import { sendNotFound, sendProblem } from '../send.ts';

const comeBackMs = 2_000;

/** Asks the caller to come back. `run` is there where an operation may have been started for it. */
export function sendComeBack(res: ServerResponse, reason: ReasonCode, run?: string): void {
  const nowhere = { workType: undefined, partition: undefined };
  const unknown = run === undefined ? {} : { unknownId: run };
  sendRetryLater(res, { reasons: [reason], retryAfterMs: comeBackMs, ...nowhere, ...unknown });
}

/** Answers for why an operation could not be started, where that is the caller's affair, or passes. False where it is neither. */
export function sendRefusal(res: ServerResponse, error: unknown): boolean {
  if (!isSlackwaterError(error)) return false;
  if (error.code === 'input-refused') sendProblem(res, createProblem('input-refused', error.message));
  else if (error.code === 'operation-unknown') sendNotFound(res);
  else if (error.code.startsWith('engine-') || error.code === 'timed-out')
    sendComeBack(res, ledgerTrouble(error));
  else return false;
  return true;
}
