import { startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import type { Benchmark, Figure } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import type { DriverProcess, Durability, Kind, Pair } from './driver-process.ts';

const script = new URL('driver-process.ts', import.meta.url);

/** One kind of work, and how much of it is one round. */
interface Row {
  readonly what: string;
  readonly kind: Kind;
  readonly durability: Durability;
  readonly each: number;
}

const rows: readonly Row[] = [
  { what: 'a query that reads', kind: 'query', durability: 'flushed', each: 40 },
  { what: 'BEGIN, INSERT, COMMIT', kind: 'transaction', durability: 'flushed', each: 20 },
  { what: 'an autocommit INSERT', kind: 'autocommit', durability: 'flushed', each: 20 },
  { what: 'BEGIN, INSERT, COMMIT, not flushed', kind: 'transaction', durability: 'unflushed', each: 20 },
  { what: 'an autocommit INSERT, not flushed', kind: 'autocommit', durability: 'unflushed', each: 40 },
];

/** The driver of pg on a real PostgreSQL. */
export const driver: Benchmark = {
  name: 'driver',
  title: 'time of what pg is asked, through an observed pool / through one that is not',
  packages: ['pg'],
  async measure({ quick, progress, tell }) {
    progress('starting PostgreSQL');
    const postgres = await startPostgres();
    try {
      await makeTable(postgres.connectionString);
      tell({
        settings: {
          pools: 'both in one process, call by call in turn, one call at a time over a connection of its own',
          'not flushed': 'synchronous_commit = off: without the noise of the disk',
        },
      });
      const taken: [Row, readonly Pair[]][] = [];
      // Two processes of one program are not equally fast: several are started.
      const generations = quick ? 1 : 3;
      for (let generation = 1; generation <= generations; generation++) {
        const child = startChild<DriverProcess>(script, postgres.connectionString);
        try {
          for (const row of rows) {
            progress(`process ${generation} of ${generations}: ${row.what}`);
            const { kind, durability, each } = row;
            await child.ask('pairs', kind, durability, quick ? 5 : 30, each);
            taken.push([row, await child.ask('pairs', kind, durability, quick ? 10 : 100, each)]);
          }
        } finally {
          await child.end();
        }
      }
      return rows.map((row) =>
        figureOf(
          row,
          taken.filter(([of]) => of === row).flatMap(([, pairs]) => pairs),
        ),
      );
    } finally {
      await postgres.stop();
    }
  },
};

async function makeTable(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query('CREATE TABLE orders (id bigserial PRIMARY KEY, note text NOT NULL)');
  await client.query("INSERT INTO orders (note) VALUES ('first')");
  await client.end();
}

function figureOf({ what }: Row, pairs: readonly Pair[]): Figure {
  const observed = pairs.map((pair) => pair.observed);
  const bare = pairs.map((pair) => pair.bare);
  return {
    what,
    unit: 'ratio',
    value: spreadOf(ratios(observed, bare)),
    target: { atMost: 1.02 },
    note: `${Math.round(medianOf(observed))} µs / ${Math.round(medianOf(bare))} µs`,
  };
}
