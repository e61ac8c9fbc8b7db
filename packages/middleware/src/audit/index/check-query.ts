import { deferralPhases, deferralStatuses } from '@slackwater/shared';
import type { CountQuery, IndexQuery } from './contract.ts';
import { faultOfBy } from './how-to-count.ts';
import { IndexError } from './index-error.ts';
import { type ListCursor, readCursor } from './list-cursor.ts';
import { codesOf } from './state-codes.ts';

const mostLimit = 1_000;

/** A list by state that was begun so many entries ago has to be begun again: what has changed since is looked through for each page. */
export const mostEntriesSince = 1_000_000;

const texts = ['workType', 'partition', 'requester', 'method', 'route'] as const;
const times = ['createdFrom', 'createdBefore'] as const;
const known: ReadonlySet<string> = new Set([
  ...texts,
  ...times,
  ...['status', 'phase', 'corrupt', 'limit', 'cursor', 'by'],
]);

/** Refuses a query that can't be meant: `parameter-invalid`. A filter that is not known is none that may be left out: the answer would lie. */
export function checkQuery(query: IndexQuery | CountQuery): void {
  checkLimit(query.limit);
  const fault = faultOf(query);
  if (fault !== undefined) throw invalid(fault);
}

function faultOf(query: IndexQuery | CountQuery): string | undefined {
  const unknown = Object.keys(query).find((name) => !known.has(name));
  if (unknown !== undefined) return `${shown(unknown)} is no filter; there are ${[...known].join(', ')}.`;
  const { status, phase, corrupt } = query;
  if (status !== undefined && !deferralStatuses.includes(status))
    return `status: ${shown(status)} is not one of ${deferralStatuses.join(', ')}.`;
  if (phase !== undefined && !deferralPhases.includes(phase))
    return `phase: ${shown(phase)} is not one of ${deferralPhases.join(', ')}.`;
  if (corrupt !== undefined && typeof corrupt !== 'boolean')
    return `corrupt: ${shown(corrupt)} is neither true nor false.`;
  for (const name of times) {
    const value = query[name];
    if (value !== undefined && !Number.isSafeInteger(value))
      return `${name}: ${shown(value)} is no whole number of Unix milliseconds.`;
  }
  for (const name of [...texts, 'cursor'] as const) {
    const value: unknown = query[name];
    if (value !== undefined && typeof value !== 'string') return `${name}: ${shown(value)} is no text.`;
  }
  return undefined;
}

const shownCharacters = 100;

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, shownCharacters));
  return typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : `a value of type ${typeof value}`;
}

/** Refuses a query for counts that can't be meant: `parameter-invalid`. */
export function checkCount(query: CountQuery): void {
  checkQuery(query);
  const fault = faultOfBy(query);
  if (fault !== undefined) throw invalid(fault);
}

/** Where a query goes on. Throws `parameter-invalid` for a cursor of another query, or from too long ago. */
export function placeOf(query: IndexQuery | CountQuery, entries: number): ListCursor | undefined {
  const { cursor } = query;
  if (cursor === undefined) return undefined;
  const at = readCursor(cursor, query);
  if (at === undefined || at.begunAt > entries) {
    throw invalid('cursor: give the "next" of the page before, as it came, with the same filters.');
  }
  const looksBack = codesOf(query) !== undefined && !('by' in query);
  if (looksBack && entries - at.begunAt > mostEntriesSince) {
    throw invalid(
      `cursor: ${(entries - at.begunAt).toLocaleString('en-US')} entries came since that list was begun, more than ${mostEntriesSince.toLocaleString('en-US')}; begin it again.`,
    );
  }
  return at;
}

function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= mostLimit) return;
  throw invalid(`limit: ${shown(limit)} is not a whole number from 1 to ${mostLimit}.`);
}

function invalid(message: string): IndexError {
  return new IndexError('parameter-invalid', message);
}
