import { GroupedCalls } from './grouped-calls.ts';
import { bytesIn, numberIn } from './row-values.ts';
import { mostAnswerBytes, type Scope } from './scope.ts';

/** Reads of single entries, performed together: gives each, or undefined beyond the end. What is too large for one answer is asked for again. */
export function entryReads({
  id,
  schema,
  transactions,
}: Scope): GroupedCalls<number, Uint8Array | undefined> {
  const sql = `
    SELECT position, CASE WHEN before < ${mostAnswerBytes} THEN entry END AS entry FROM (
      SELECT position, entry, sum(octet_length(entry)) OVER (ORDER BY position) - octet_length(entry) AS before
      FROM ${schema}.log WHERE scope = $1 AND position = ANY ($2::bigint[])
    ) AS found`;

  async function read(positions: readonly number[], into: Map<number, Uint8Array>): Promise<void> {
    const rows = await transactions.read((query) => query(sql, [id, positions]));
    const again: number[] = [];
    for (const row of rows) {
      const position = numberIn(row, 'position') ?? 0;
      if (row['entry'] === null) again.push(position);
      else into.set(position, bytesIn(row, 'entry'));
    }
    if (again.length > 0) await read(again, into);
  }

  return new GroupedCalls({
    async perform(positions) {
      const found = new Map<number, Uint8Array>();
      await read([...new Set(positions)], found);
      // Each caller gets bytes of its own.
      return positions.map((position, index) =>
        positions.indexOf(position) === index ? found.get(position) : found.get(position)?.slice(),
      );
    },
  });
}

/** How many entries the log has, asked once for all who ask meanwhile; undefined where the scope's row is gone. */
export function sizeReads({ id, schema, transactions }: Scope): GroupedCalls<void, number | undefined> {
  const sql = `SELECT log_size FROM ${schema}.scope WHERE id = $1`;
  return new GroupedCalls({
    async perform(calls) {
      const [row = {}] = await transactions.read((query) => query(sql, [id]));
      const size = numberIn(row, 'log_size');
      return calls.map(() => size);
    },
  });
}
