/** A row as the engine's queries give it: bytes, numbers, texts, booleans and null. */
export type Row = Readonly<Record<string, unknown>>;

const oids = { bool: 16, bytea: 17, int8: 20, int4: 23 } as const;

/**
 * How the engine reads its rows, whatever parsers the application has given pg: bytes as a `Uint8Array`, integers as
 * numbers. Positions, revisions and times stay below 2^53. All come as texts: pg takes binary answers for texts, too.
 */
export const rowTypes = {
  getTypeParser(oid: number): (value: never) => unknown {
    return parserOf(oid) as (value: never) => unknown;
  },
};

function parserOf(oid: number): (value: string) => unknown {
  switch (oid) {
    case oids.bool:
      return (value) => value === 't';
    case oids.bytea:
      return bytesOf;
    case oids.int8:
    case oids.int4:
      return Number;
    default:
      return (value) => value;
  }
}

/** Of `\\x` and hexadecimal digits, which is the server's default for `bytea_output` and set by every transaction. */
function bytesOf(value: string): Uint8Array {
  const bytes = Buffer.from(value.slice(2), 'hex');
  // Small buffers are views of a pool that all share: who keeps one would keep its neighbours.
  return bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}

/** The bytes in a column that is never null. */
export function bytesIn(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw new TypeError(`${column} holds no bytes`);
  return value;
}

/** The number in a column; null is undefined. */
export function numberIn(row: Row, column: string): number | undefined {
  const value = row[column];
  return typeof value === 'number' ? value : undefined;
}
