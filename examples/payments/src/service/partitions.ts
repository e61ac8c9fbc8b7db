import { createHash } from 'node:crypto';
import { observe } from '@slackwater/middleware/pg';
import pg from 'pg';
import { createTables } from './tables.ts';

/** One database: what one commit goes to. */
export interface Partition {
  readonly name: string;
  readonly pool: pg.Pool;
}

/** The databases that transactions are spread over. */
export interface Partitions {
  readonly all: readonly Partition[];
  /** The one that a transaction is in. */
  of(transaction: string): Partition;
  close(): Promise<void>;
}

const connectionsOfEach = 5;

/** Opens one partition for each database, with its tables. Rejects where one can't be reached. */
export async function openPartitions(connectionStrings: readonly string[]): Promise<Partitions> {
  const all = connectionStrings.map((connectionString, at) => {
    const pool = new pg.Pool({ connectionString, max: connectionsOfEach });
    // pg drops a connection that broke while it was idle; without a listener it would end the process.
    pool.on('error', () => {});
    const name = `payments-${at}`;
    observe(pool, { partition: name, ensure: true });
    return { name, pool };
  });
  for (const { pool } of all) await createTables(pool);
  return {
    all,
    of(transaction) {
      const number = createHash('sha256').update(transaction).digest().readUInt32BE();
      return all[number % all.length] as Partition;
    },
    async close() {
      for (const { pool } of all) await pool.end();
    },
  };
}
