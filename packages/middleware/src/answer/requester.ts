import type { Request } from 'express';
import type { GateParts } from './gate-parts.ts';

/** Longer names are no names. */
const mostCharacters = 1_000;

/** Who the request is made for; undefined where nobody is known, or `requester` fails. Never rejects. */
export async function requesterOf(
  { options, trouble }: Pick<GateParts, 'options' | 'trouble'>,
  req: Request,
): Promise<string | undefined> {
  try {
    const requester: unknown = await options.requester?.(req);
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
