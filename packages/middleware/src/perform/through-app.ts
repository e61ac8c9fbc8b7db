/// <reference path="./finalhandler.d.ts" />
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, isSlackwaterError } from '@slackwater/shared';
import finalhandler from 'finalhandler';

/** What a replay needs to know of an Express application, 4 or 5: itself, its parent, and its settings. */
export interface ReplayApp {
  (req: IncomingMessage, res: ServerResponse, done: (error?: unknown) => void): void;
  readonly parent?: unknown;
  get?(setting: string): unknown;
}

/** Told where the application did not answer by itself. */
export interface Unanswered {
  routeMissing(): void;
  refused(error: { readonly code: ErrorCode; readonly message: string }): void;
  routeError(error: unknown): void;
}

/** Refusals by a driver that every attempt would meet again, since they are about how the route is written. */
export const metEachTime: ReadonlySet<string> = new Set([
  'transaction-in-one-string',
  'statement-outside-transaction',
]);

/** Gives a request to the outermost application, and does at its end what Express does there. */
export function performThrough(
  app: ReplayApp | undefined,
  req: IncomingMessage,
  res: ServerResponse,
  unanswered: Unanswered,
): void {
  const outer = outermost(app);
  if (outer === undefined) {
    unanswered.routeMissing();
    return;
  }
  const done = (error?: unknown): void => {
    if (!error) {
      if (!res.headersSent) unanswered.routeMissing();
      return;
    }
    if (isSlackwaterError(error) && metEachTime.has(error.code) && !res.headersSent) {
      unanswered.refused({ code: error.code, message: error.message });
      return;
    }
    unanswered.routeError(error);
    // An answer that was given whole stays given: on a network it would have left by now.
    if (res.writableEnded) return;
    const env = outer.get?.('env');
    finalhandler(req, res, typeof env === 'string' ? { env } : {})(error);
  };
  try {
    outer(req, res, done);
  } catch (error) {
    done(error);
  }
}

function outermost(app: ReplayApp | undefined): ReplayApp | undefined {
  let outer = app;
  while (typeof outer?.parent === 'function') outer = outer.parent as ReplayApp;
  return outer;
}
