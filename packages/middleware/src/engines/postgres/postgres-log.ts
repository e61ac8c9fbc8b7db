import { EngineError } from '../engine-error.ts';
import { checkEntries, checkInteger, engineLimits } from '../limits.ts';
import type { EngineLog } from '../log.ts';
import { joined } from './byte-pieces.ts';
import { isOneCalls } from './failures.ts';
import { GroupedCalls } from './grouped-calls.ts';
import { entryReads, sizeReads } from './log-reads.ts';
import { bytesIn, numberIn } from './row-values.ts';
import { type CallsUnderWay, mostAnswerBytes, type Scope } from './scope.ts';

/**
 * The log of one scope. Its order is the order in which transactions get the lock of the scope's row, which counts the
 * entries: each holds it until its entries are durable, so positions have no gaps, and who reads sees no later entry
 * without the earlier ones.
 */
export function postgresLog(scope: Scope, calls: CallsUnderWay): EngineLog {
  const { id, schema, transactions, where } = scope;
  const append = `
    WITH counted AS (
      UPDATE ${schema}.scope SET log_size = log_size + cardinality($3::integer[]) WHERE id = $1 RETURNING log_size
    ), first AS (SELECT log_size - cardinality($3::integer[]) AS position FROM counted
    ), written AS (
      INSERT INTO ${schema}.log (scope, position, entry)
      SELECT $1, first.position + piece.number - 1, substr($2::bytea, piece.at, piece.length)
      FROM first, unnest($3::integer[], $4::integer[]) WITH ORDINALITY AS piece (at, length, number)
    )
    SELECT position FROM first`;
  const read = `
    SELECT position, entry FROM (
      SELECT position, entry, sum(octet_length(entry)) OVER (ORDER BY position) - octet_length(entry) AS before
      FROM ${schema}.log WHERE scope = $1 AND position >= $2 AND position < $2::bigint + $3
    ) AS entries WHERE before < ${mostAnswerBytes} ORDER BY position`;
  const single = entryReads(scope);
  const sizes = sizeReads(scope);

  const appends = new GroupedCalls<readonly Uint8Array[], number>({
    isOneCalls,
    perform: (batches) =>
      transactions.write(async (query) => {
        const { bytes, ats, lengths } = joined(batches.flat());
        const [row = {}] = await query(append, [id, bytes, ats, lengths]);
        let position = numberIn(row, 'position');
        if (position === undefined) throw gone();
        return batches.map((batch) => {
          const first = position ?? 0;
          position = first + batch.length;
          return first;
        });
      }),
  });

  function gone(): EngineError {
    const message = `${where}: the row of this application and group is gone; put back a backup`;
    return new EngineError('engine-corrupt', 'none', message);
  }

  async function sizeNow(): Promise<number> {
    const entries = await sizes.add();
    if (entries === undefined) throw gone();
    return entries;
  }

  return {
    async append(entries) {
      checkEntries(entries);
      // What the caller does to them later is his affair.
      const copies = entries.map((entry) => Uint8Array.from(entry));
      const bytes = copies.reduce((sum, copy) => sum + copy.byteLength, 0);
      return { first: await calls.run(() => appends.add(copies, bytes)) };
    },
    async read(from, limit) {
      checkInteger('from', from, 0);
      checkInteger('limit', limit, 1, engineLimits.entriesPerRead);
      if (limit === 1) {
        const entry = await calls.run(() => single.add(from));
        return entry === undefined ? [] : [entry];
      }
      const rows = await calls.run(() => transactions.read((query) => query(read, [id, from, limit])));
      return rows.map((row, index) => {
        if (numberIn(row, 'position') === from + index) return bytesIn(row, 'entry');
        const lost = `${where}: the log's entry ${from + index} is missing; put back a backup`;
        throw new EngineError('engine-corrupt', 'none', lost);
      });
    },
    size: () => calls.run(sizeNow),
  };
}
