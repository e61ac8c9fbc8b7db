import type { Request } from 'express';
import { asked } from './asked.ts';
import type { GateParts } from './gate-parts.ts';

/** Longer names are no names. */
const mostCharacters = 1_000;

/** Who a request is made for. */
export interface Requester {
  /** Undefined where nobody is known. */
  readonly name: string | undefined;
  /** Whether `requester` failed: there may be somebody. */
  readonly failed: boolean;
}

const nobody: Requester = { name: undefined, failed: false };
const unknown: Requester = { name: undefined, failed: true };

/** Asks the option `requester`. Never rejects. */
export async function requesterOf(
  { options, clock, trouble }: Pick<GateParts, 'options' | 'clock' | 'trouble'>,
  req: Request,
): Promise<Requester> {
  try {
    const requester: unknown = await asked(clock, 'requester', () => options.requester?.(req));
    if (requester === undefined || requester === null || requester === '') return nobody;
    if (typeof requester === 'string' && requester.length <= mostCharacters) {
      return { name: requester, failed: false };
    }
    throw new TypeError(
      `requester gave what is no string of 1 to ${mostCharacters} characters: ${typeof requester}`,
    );
  } catch (error) {
    trouble('asking for the requester', error);
    return unknown;
  }
}
