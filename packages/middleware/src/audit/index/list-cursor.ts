import { createHash } from 'node:crypto';
import type { CountQuery, IndexFilter } from './contract.ts';

// A cursor is three words joined by hyphens: how many entries the index had when the list was begun, the position behind which the
// next page goes on (or the number of a value, of counts), and eight characters that stand for what was asked.

const pattern = /^(0|[1-9][0-9]{0,14})-(0|[1-9][0-9]{0,14})-([0-9a-f]{8})$/;

/** Where a list goes on. */
export interface ListCursor {
  /** Entries that the index had when the first page was read. */
  readonly begunAt: number;
  readonly behind: number;
}

/** The text of a cursor. */
export function cursorText({ begunAt, behind }: ListCursor, asked: IndexFilter | CountQuery): string {
  return `${begunAt}-${behind}-${markOf(asked)}`;
}

/** A cursor of the same query; undefined for one of another, and for what is none. */
export function readCursor(text: string, asked: IndexFilter | CountQuery): ListCursor | undefined {
  const [, begunAt, behind, mark] = pattern.exec(text) ?? [];
  if (mark !== markOf(asked)) return undefined;
  return { begunAt: Number(begunAt), behind: Number(behind) };
}

/** Whether a text looks like one at all. */
export function isCursor(text: string): boolean {
  return pattern.test(text);
}

function markOf({ limit, cursor, ...asked }: IndexFilter & { limit?: unknown; cursor?: unknown }): string {
  const given = Object.entries(asked)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(given)).digest('hex').slice(0, 8);
}
