/**
 * What one host tells the others, as JSON in UTF-8: `{"v":1,"values":[["orders",12.345],["payments",3.1]]}`. Each value is
 * in ms, rounded to microseconds, and rests on that host's own commits alone: what a host was told it never tells on.
 */

const version = 1;

/** Bounds of a record. What is beyond them is not told, and a record beyond them is not read. */
export const recordLimits = {
  /** Those with the most recent commits are told. */
  partitions: 256,
  /** Of a partition's name; longer ones no request can be given. */
  nameCharacters: 200,
  /** Reached by no record within the other bounds. */
  bytes: 512 * 1024,
} as const;

/** A partition and its latency value, ms. */
export type PartitionValue = readonly [partition: string, valueMs: number];

/** The record of a host that has these values; undefined where it has none to tell. */
export function formatRecord(values: Iterable<PartitionValue>): Uint8Array | undefined {
  const told: PartitionValue[] = [];
  for (const [partition, valueMs] of values) {
    if (told.length === recordLimits.partitions) break;
    const value: PartitionValue = [partition, Math.round(valueMs * 1_000) / 1_000];
    if (isValue(value)) told.push(value);
  }
  if (told.length === 0) return undefined;
  return new TextEncoder().encode(JSON.stringify({ v: version, values: told }));
}

/** What a record says; undefined where it is none of this version. */
export function parseRecord(bytes: Uint8Array): readonly PartitionValue[] | undefined {
  if (bytes.byteLength > recordLimits.bytes) return undefined;
  try {
    const record: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof record !== 'object' || record === null) return undefined;
    const { v, values } = record as { readonly v?: unknown; readonly values?: unknown };
    if (v !== version || !Array.isArray(values) || values.length > recordLimits.partitions) return undefined;
    return values.every(isValue) ? values : undefined;
  } catch {
    return undefined;
  }
}

function isValue(value: unknown): value is PartitionValue {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [partition, valueMs]: readonly unknown[] = value;
  return (
    typeof partition === 'string' &&
    partition.length > 0 &&
    partition.length <= recordLimits.nameCharacters &&
    typeof valueMs === 'number' &&
    Number.isFinite(valueMs) &&
    valueMs >= 0
  );
}
