import { startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { DriverProcess, DriverSetup, Durability, Kind } from './driver-process.ts';

const script = new URL('driver-process.ts', import.meta.url);

/** One kind of work, and how much of it is one sample. */
interface Row {
  readonly what: string;
  readonly kind: Kind;
  readonly durability: Durability;
  readonly each: number;
}

const rows: readonly Row[] = [
  { what: 'a query that reads', kind: 'query', durability: 'flushed', each: 100 },
  { what: 'BEGIN, INSERT, COMMIT', kind: 'transaction', durability: 'flushed', each: 20 },
  { what: 'an autocommit INSERT', kind: 'autocommit', durability: 'flushed', each: 20 },
  { what: 'BEGIN, INSERT, COMMIT, not flushed', kind: 'transaction', durability: 'unflushed', each: 50 },
  { what: 'an autocommit INSERT, not flushed', kind: 'autocommit', durability: 'unflushed', each: 100 },
];

interface Samples {
  readonly observed: number[];
  readonly bare: number[];
}

/** The driver of pg on a real PostgreSQL. */
export const driver: Benchmark = {
  name: 'driver',
  title: 'time of what pg is asked, observed / unobserved, each by a process of its own',
  async measure(run) {
    run.progress('starting PostgreSQL');
    const postgres = await startPostgres();
    try {
      await makeTable(postgres.connectionString);
      const samples = new Map(rows.map((row): [Row, Samples] => [row, { observed: [], bare: [] }]));
      // Two processes of one program are not equally fast: several of each are started.
      const generations = run.quick ? 1 : 3;
      for (let generation = 1; generation <= generations; generation++) {
        await measureWith(
          postgres.connectionString,
          samples,
          run,
          `processes ${generation} of ${generations}`,
        );
      }
      return [...samples].map(([row, taken]) => figureOf(row, taken));
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

async function measureWith(
  connectionString: string,
  samples: ReadonlyMap<Row, Samples>,
  { quick, progress }: Run,
  what: string,
): Promise<void> {
  const start = (observed: boolean) =>
    startChild<DriverProcess>(script, { connectionString, observed } satisfies DriverSetup);
  const [observed, bare] = [start(true), start(false)];
  try {
    for (const [row, taken] of samples) {
      const take = (child: typeof bare) => child.ask('medianUs', row.kind, row.durability, row.each);
      progress(`${what}: ${row.what}`);
      for (let n = 0; n < (quick ? 2 : 10); n++) await Promise.all([take(observed), take(bare)]);
      const rounds = await inTurn(
        { observed: () => take(observed), bare: () => take(bare) },
        quick ? 10 : 40,
      );
      taken.observed.push(...rounds.observed);
      taken.bare.push(...rounds.bare);
    }
  } finally {
    await Promise.all([observed.end(), bare.end()]);
  }
}

function figureOf({ what }: Row, { observed, bare }: Samples): Figure {
  return {
    what,
    unit: 'ratio',
    value: spreadOf(ratios(observed, bare)),
    target: { atMost: 1.02 },
    note: `${Math.round(medianOf(observed))} µs / ${Math.round(medianOf(bare))} µs`,
  };
}
