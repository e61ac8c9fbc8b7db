import { createHash } from 'node:crypto';

// A name (id, partition, order key, application, group) is any string of up to 1,024 characters. A column holds it as it
// is, unless PostgreSQL could not hold or index it: one with a NUL or half a surrogate pair, or of more than 500 bytes,
// stands as a backslash and its SHA-256, and so does one that begins with a backslash, so that no two names stand alike.
// What it was then stands, as JSON, in the column `names` of the row.

const mostBytes = 500;

/** How a name stands in a column. */
export function inColumn(name: string): string {
  if (!name.startsWith('\\') && !/[\0\p{Surrogate}]/u.test(name)) {
    if (name.length * 3 <= mostBytes || Buffer.byteLength(name) <= mostBytes) return name;
  }
  // JSON tells half a pair from any other, which UTF-8 does not.
  return `\\${createHash('sha256').update(JSON.stringify(name)).digest('hex')}`;
}

/** Names of one row, as they were where a column holds another; null where every column holds the name itself. */
export function asTheyWere(names: Readonly<Record<string, string | undefined>>): string | null {
  const changed = Object.entries(names).filter(([, name]) => name !== undefined && inColumn(name) !== name);
  // JSON.stringify escapes what PostgreSQL's texts can't hold, and the column is a text: nothing unescapes it.
  return changed.length === 0 ? null : JSON.stringify(Object.fromEntries(changed));
}

/** The name that a column stands for, by the row's `names`. */
export function nameIn(row: Readonly<Record<string, unknown>>, column: string): string {
  const text = String(row[column]);
  if (!text.startsWith('\\') || typeof row['names'] !== 'string') return text;
  const names: unknown = JSON.parse(row['names']);
  const name = typeof names === 'object' && names !== null && column in names ? names[column as never] : text;
  return String(name);
}
