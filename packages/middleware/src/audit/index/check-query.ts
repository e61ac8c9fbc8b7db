import type { CountQuery, IndexQuery } from './contract.ts';
import { faultOfBy } from './how-to-count.ts';
import { IndexError } from './index-error.ts';
import { type ListCursor, readCursor } from './list-cursor.ts';
import { codesOf } from './state-codes.ts';

const mostLimit = 1_000;

/** A list by state that was begun so many entries ago has to be begun again: what has changed since is looked through for each page. */
export const mostEntriesSince = 1_000_000;

/** Refuses a query that can't be meant: `parameter-invalid`. */
export function checkQuery({ limit, createdFrom, createdBefore }: IndexQuery | CountQuery): void {
  checkLimit(limit);
  for (const [name, value] of Object.entries({ createdFrom, createdBefore })) {
    if (value !== undefined && !Number.isSafeInteger(value)) {
      throw invalid(`${name}: ${String(value)} is no whole number of Unix milliseconds.`);
    }
  }
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
  throw invalid(`limit: ${limit} is not a whole number from 1 to ${mostLimit}.`);
}

function invalid(message: string): IndexError {
  return new IndexError('parameter-invalid', message);
}
