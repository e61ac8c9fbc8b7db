/** How long does the server want us to wait? Retry-After (RFC 9110 section 10.2.3). */
import { parseHttpDate } from './http-date.ts';

const digitsOnly = /^[0-9]+$/;

/**
 * Milliseconds to wait according to a Retry-After header, or undefined where it says nothing that can be understood.
 *
 * A date counts from `serverDateMs` where that is given: the response's own Date header as Unix milliseconds. The two
 * clocks' difference then drops out. Else it counts from `nowMs`. Never negative, never NaN, always a safe integer;
 * absurdly long waits are passed on, so callers cap.
 */
export function parseRetryAfter(value: unknown, nowMs: number, serverDateMs?: number): number | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (digitsOnly.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER);
  const fromMs = Number.isFinite(serverDateMs) ? Number(serverDateMs) : nowMs;
  const dateMs = parseHttpDate(text, fromMs);
  if (dateMs === undefined || !Number.isFinite(fromMs)) return undefined;
  return Math.min(Math.max(0, Math.ceil(dateMs - fromMs)), Number.MAX_SAFE_INTEGER);
}

/** The value of Retry-After for a wait in milliseconds: whole seconds, rounded up, at least 0. */
export function formatRetryAfter(waitMs: number): string {
  if (!(waitMs > 0)) return '0';
  return String(Math.ceil(Math.min(waitMs, Number.MAX_SAFE_INTEGER) / 1000));
}

/** Milliseconds to wait according to Slackwater-Retry-After-Ms: a decimal integer. Undefined for anything else. */
export function parseRetryAfterMs(value: unknown): number | undefined {
  if (typeof value !== 'string' || !digitsOnly.test(value.trim())) return undefined;
  return Math.min(Number(value.trim()), Number.MAX_SAFE_INTEGER);
}
