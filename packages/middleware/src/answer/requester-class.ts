import type { Request } from 'express';
import { asked } from './asked.ts';
import type { GateParts } from './gate-parts.ts';
import { isPromise } from './maybe-async.ts';

/** Longer ones are no classes: they stand in the ledger as they are. */
const mostCharacters = 100;

/** The class of clients that a request comes from. */
export interface RequesterClass {
  /** Undefined where it has none. */
  readonly name: string | undefined;
  /** Whether `requesterClass` failed: it may have one. */
  readonly unknown: boolean;
}

const none: RequesterClass = { name: undefined, unknown: false };
const unknown: RequesterClass = { name: undefined, unknown: true };

type ClassParts = Pick<GateParts, 'options' | 'clock' | 'trouble'>;

/** Asks the option `requesterClass`; at once where it answers at once. Never throws or rejects. */
export function classOf(parts: ClassParts, req: Request): RequesterClass | Promise<RequesterClass> {
  const { options, clock } = parts;
  try {
    const answer: unknown = options.requesterClass?.(req);
    if (!isPromise(answer)) return read(answer);
    return asked(clock, 'requesterClass', () => answer)
      .then(read)
      .catch((error: unknown) => failed(parts, error));
  } catch (error) {
    return failed(parts, error);
  }
}

function read(answer: unknown): RequesterClass {
  if (answer === undefined || answer === null || answer === '') return none;
  const isClass =
    typeof answer === 'string' && answer.length <= mostCharacters && !/\p{Surrogate}/u.test(answer);
  if (isClass) return { name: answer, unknown: false };
  throw new TypeError(
    `requesterClass gave what is no string of 1 to ${mostCharacters} characters: ${typeof answer}`,
  );
}

function failed({ trouble }: ClassParts, error: unknown): RequesterClass {
  trouble('asking for the class of the requester', error);
  return unknown;
}
