import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { replayOf } from './replay-identity.ts';

/** Whether the request is performed for a deferral. Nothing that a caller sends makes it so. */
export function isReplay(req: Pick<IncomingMessage, 'socket'>): boolean {
  return replayOf(req) !== undefined;
}

/**
 * Wraps middleware that a replay must not meet a second time: authentication, whose credentials are not recorded; CSRF
 * checks; rate limits. A replay passes it by.
 */
export function skipOnReplay(middleware: RequestHandler): RequestHandler {
  return (req, res, next) => (isReplay(req) ? next() : middleware(req, res, next));
}
