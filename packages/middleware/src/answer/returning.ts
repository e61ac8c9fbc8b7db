import type { Request } from 'express';
import type { Admitting } from './gate-parts.ts';
import type { RequestFacts } from './request-facts.ts';

/**
 * By what a caller that is asked to come back will be recognised: its Idempotency-Key, on the same method and path. Undefined
 * where it sent none.
 */
export function nameOfCaller(req: Request, { method, path }: RequestFacts): string | undefined {
  const key = req.headers['idempotency-key'];
  return typeof key === 'string' ? `${method} ${path} ${key}` : undefined;
}

/** Notes what became of a request, where callers are expected that were asked to come back. True where this is one of them. */
export function noteArrival(
  admissions: Pick<Admitting, 'expectsReturns' | 'arrived'>,
  { req, facts }: { readonly req: Request; readonly facts: RequestFacts },
  succeeded: boolean,
): boolean {
  if (!admissions.expectsReturns) return false;
  return admissions.arrived(facts.rank, facts.partitions, nameOfCaller(req, facts), succeeded);
}
