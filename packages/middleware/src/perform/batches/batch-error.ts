import { type ErrorCode, isSlackwaterError, SlackwaterError } from '@slackwater/shared';
import type { BatchError } from './batch-types.ts';

/** What a batch throws, or reports. */
export class BatchTroubleError extends SlackwaterError {
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** An error as reports have it; `code` where it has none of its own. */
export function asBatchError(error: unknown, code: ErrorCode): BatchError {
  if (isSlackwaterError(error)) return { code: error.code, message: error.message };
  return { code, message: messageOf(error) };
}

const mostCharacters = 1_000;

/** What an application's error says, cut off where it is long. Never throws. */
export function messageOf(error: unknown): string {
  try {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return said.slice(0, mostCharacters);
  } catch {
    return 'something was thrown that can not be read';
  }
}
