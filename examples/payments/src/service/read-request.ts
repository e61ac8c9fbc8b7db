import type { ErrorRequestHandler, Request } from 'express';
import { Refused } from './transactions.ts';

/** The id in the path. */
export function idOf(req: Request): string {
  const id = String(req.params['id']);
  if (!/^[\w-]{1,60}$/.test(id))
    throw new Refused(400, 'an id is up to 60 letters, digits, hyphens and underscores');
  return id;
}

/** A text in the body. */
export function textOf(req: Request, name: string): string {
  const value = memberOf(req, name);
  if (typeof value !== 'string' || value === '' || value.length > 60)
    throw new Refused(400, `give "${name}": up to 60 characters`);
  return value;
}

/** `amountCents` in the body. */
export function centsOf(req: Request): number {
  const value = memberOf(req, 'amountCents');
  if (!Number.isSafeInteger(value) || Number(value) <= 0 || Number(value) > 1_000_000_00)
    throw new Refused(400, 'give "amountCents": a whole number above 0, up to 100,000,000');
  return Number(value);
}

function memberOf(req: Request, name: string): unknown {
  return (req.body as Readonly<Record<string, unknown>> | undefined)?.[name];
}

/** Answers what was refused with the reason, and everything else with 500. */
export const refusals: ErrorRequestHandler = (error: Error & { status?: number }, _req, res, _next) => {
  const status = error.status ?? 500;
  res.status(status).json({ error: status < 500 ? error.message : 'something went wrong' });
};
