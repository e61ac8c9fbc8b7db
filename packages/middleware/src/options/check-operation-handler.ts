import type { OperationHandlerOptions } from './operation-handler.ts';
import { OptionInvalidError, OptionUnknownError } from './option-error.ts';
import { functionOf, milliseconds, number } from './read-values.ts';

/** Options of a route that starts operations, with their defaults. */
export interface HandlerTerms {
  readonly waitMs: number;
  readonly answer: ((outputs: never, run: never) => unknown) | undefined;
  readonly status: number | undefined;
}

const defaultWaitMs = 1_000;
const readWait = milliseconds(0, 60_000);
const readStatus = number({ from: 200, to: 299 });
const readAnswer = functionOf<NonNullable<HandlerTerms['answer']>>('({ flight }) => ({ flight })');
const known: readonly string[] = ['waitMs', 'answer', 'status'] satisfies (keyof OperationHandlerOptions)[];

/** Reads them. Throws `option-invalid` or `option-unknown`. */
export function handlerTerms(given: unknown): HandlerTerms {
  if (typeof given !== 'object' || given === null) {
    throw new OptionInvalidError('options', given, 'give an object, such as { waitMs: 2000 }');
  }
  const { waitMs = defaultWaitMs, answer, status, ...rest } = given as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new OptionUnknownError(unknown, `there are ${known.join(', ')}`);
  return {
    waitMs: readWait(waitMs, 'waitMs'),
    answer: answer === undefined ? undefined : readAnswer(answer, 'answer'),
    status: status === undefined ? undefined : readStatus(status, 'status'),
  };
}
