import { SlackwaterError } from './errors.ts';

/** Code `parameter-invalid`: a function was called with a value it has no meaning for. */
export class ParameterError extends SlackwaterError {
  constructor(message: string) {
    super('parameter-invalid', message);
  }
}

/** True for an integer from 0 to 2^53 - 1: what an index, a size or a height can be. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && typeof value === 'number' && value >= 0;
}
