import type { ServerResponse } from 'node:http';
import type { Request } from 'express';
import type { ResourceParts } from './contract.ts';
import type { HeldOpen } from './held-open.ts';

/** One request to one of the gate's resources. */
export interface Exchange {
  readonly parts: ResourceParts;
  readonly req: Request;
  readonly res: ServerResponse;
  /** What stood in the path for `:name`, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly heldOpen: HeldOpen;
}

/** Answers one method of one resource. What it rejects with becomes a problem document. */
export type ResourceHandler = (exchange: Exchange) => Promise<void>;

/** Aborted when the response is closed: sent whole, or its caller gone. */
export function closedSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (res.destroyed) controller.abort();
  else res.once('close', () => controller.abort());
  return controller.signal;
}
