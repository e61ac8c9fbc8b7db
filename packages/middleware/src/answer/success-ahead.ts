import type { Request } from 'express';
import type { WorkTypePolicy } from '../options/resolved.ts';
import { asked } from './asked.ts';
import type { GateParts } from './gate-parts.ts';

/** The success that a caller is told ahead of the work. */
export interface SuccessAhead {
  /** From 200 to 299. */
  readonly status: number;
  /** JSON; undefined for an answer without a body. */
  readonly body: string | undefined;
}

/** Answers that have no body (RFC 9110, sections 15.3.5 and 15.3.6). */
const bodiless: ReadonlySet<number> = new Set([204, 205]);

/**
 * Asks a work type for the success that its caller is told ahead of the work. Undefined where it tells none, and where what
 * `result` gave is none, which is told as trouble: the caller is then told that it was deferred, and that is as true. Never rejects.
 */
export async function successAhead(
  { clock, trouble }: Pick<GateParts, 'clock' | 'trouble'>,
  { acknowledge, result }: Pick<WorkTypePolicy, 'acknowledge' | 'result'>,
  req: Request,
): Promise<SuccessAhead | undefined> {
  if (acknowledge !== 'succeeded' || result === undefined) return undefined;
  try {
    return readSuccess(await asked(clock, 'result', () => result(req)));
  } catch (error) {
    trouble('making the result given ahead of the work', error);
    return undefined;
  }
}

/** Throws a `TypeError` for what is no success. */
export function readSuccess(given: unknown): SuccessAhead {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`result gave ${told(given)}; give { status: 201, body: { accepted: true } }`);
  }
  const { status = 200, body } = given as { readonly status?: unknown; readonly body?: unknown };
  if (!Number.isInteger(status) || Number(status) < 200 || Number(status) > 299) {
    throw new TypeError(
      `result gave the status ${told(status)}; what is told ahead of the work is a success, 200 to 299. Refuse in validate what is none`,
    );
  }
  if (bodiless.has(Number(status))) return { status: Number(status), body: undefined };
  const json = JSON.stringify(body ?? null) as string | undefined;
  if (json === undefined) throw new TypeError(`result gave a body that JSON has no text for: ${told(body)}`);
  return { status: Number(status), body: json };
}

function told(value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'string' ? JSON.stringify(value) : undefined;
  return text?.slice(0, 60) ?? (value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value);
}
