import { type ErrorCode, SlackwaterError } from '@slackwater/shared';

/** The codes that operations throw or report. */
export type OperationErrorCode = Extract<
  ErrorCode,
  `operation-${string}` | `input-${string}` | `task-${string}` | `stage-${string}` | `function-${string}`
>;

/** What operations throw. */
export class OperationError extends SlackwaterError {
  declare readonly code: OperationErrorCode;

  constructor(code: OperationErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Code `operation-invalid`: the definition can't be planned. The message names the operation, what is wrong, and the way out. */
export function invalid(operation: unknown, message: string): OperationError {
  return new OperationError('operation-invalid', `operation ${JSON.stringify(operation)}: ${message}`);
}

/** Code `input-refused`: an operation can't be given that. The message names the operation, what is wrong, and what it takes. */
export function refusedInput(operation: unknown, message: string): OperationError {
  return new OperationError('input-refused', `operation ${JSON.stringify(operation)}: ${message}`);
}
