import type { ErrorCode } from '@slackwater/shared';
import type { NextFunction, Request } from 'express';
import type { ResolvedOptions } from '../options/resolved.ts';

/** What the gate must know of a replay. */
interface Replayed {
  readonly identity: unknown;
  refuse(error: { readonly code: ErrorCode; readonly message: string }): void;
}

/**
 * Lets a replay through, with its identity restored. Without it the route would do the work for nobody, or for somebody
 * else: then the attempt is given up.
 */
export async function passReplay(
  { restore }: Pick<ResolvedOptions, 'restore'>,
  req: Request,
  next: NextFunction,
  replay: Replayed,
): Promise<void> {
  try {
    if (replay.identity !== undefined) {
      if (restore === undefined) throw new Error('capture gave an identity, and there is no restore.');
      await restore(req, replay.identity);
    }
  } catch (error) {
    const message = `The identity could not be restored: ${error instanceof Error ? error.message : String(error)}`;
    replay.refuse({ code: 'identity-not-restored', message });
    return;
  }
  next();
}
