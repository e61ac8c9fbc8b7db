import type { Request } from 'express';
import type { GateParts } from './gate-parts.ts';
import { asked } from './in-time.ts';

/** Longer names are no names. */
const mostCharacters = 1_000;

/** Who the request is made for; undefined where nobody is known, or `requester` fails. Never rejects. */
export async function requesterOf(
  { options, clock, trouble }: Pick<GateParts, 'options' | 'clock' | 'trouble'>,
  req: Request,
): Promise<string | undefined> {
  try {
    const requester: unknown = await asked(clock, 'requester', () => options.requester?.(req));
    if (requester === undefined || requester === null || requester === '') return undefined;
    if (typeof requester === 'string' && requester.length <= mostCharacters) return requester;
    throw new TypeError(
      `requester gave what is no string of 1 to ${mostCharacters} characters: ${typeof requester}`,
    );
  } catch (error) {
    trouble('asking for the requester', error);
    return undefined;
  }
}
