import { type Gate, slackwater } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import pg from 'pg';
import { answerCalls } from '../child.ts';
import { endOf, plainRequest, plainResponse } from '../plain-request.ts';
import { medianOf } from '../statistics.ts';
import { partition } from '../work-types.ts';

/** What is timed, from its call to its answer. */
export type Kind = 'query' | 'transaction' | 'autocommit';

/** `flushed`: a commit is answered when it is on disk. `unflushed`: before, so that the disk's noise is not in it. */
export type Durability = 'flushed' | 'unflushed';

/** Uses pg within requests, observed or not. */
export interface DriverProcess {
  /** The median duration of so many, one after the other, µs. */
  medianUs(kind: Kind, durability: Durability, count: number): Promise<number>;
}

/** What such a process is started with. */
export interface DriverSetup {
  readonly connectionString: string;
  readonly observed: boolean;
}

type Work = (pool: pg.Pool) => Promise<unknown>;

const works: Readonly<Record<Kind, Work>> = {
  query: (pool) => pool.query('SELECT id, note FROM orders WHERE id = $1', [1]),
  autocommit: (pool) => pool.query(insert, ['bench']),
  async transaction(pool) {
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query(insert, ['bench']);
    await client.query('COMMIT');
    client.release();
  },
};

const insert = 'INSERT INTO orders (note) VALUES ($1)';

async function make({ connectionString, observed }: DriverSetup): Promise<DriverProcess> {
  const pools: Readonly<Record<Durability, pg.Pool>> = {
    flushed: new pg.Pool({ connectionString, max: 4 }),
    unflushed: new pg.Pool({ connectionString, max: 4, options: '-c synchronous_commit=off' }),
  };
  if (observed) for (const pool of Object.values(pools)) observe(pool, { partition });
  // It lets everything through: the partition stays healthy.
  const gate = slackwater({ partition, thresholdMs: 60_000 });
  return {
    async medianUs(kind, durability, count) {
      const work = works[kind];
      const pool = pools[durability];
      const tookUs: number[] = [];
      for (let n = 0; n < count; n++) tookUs.push(await inRequest(gate, () => timedUs(work, pool)));
      return medianOf(tookUs);
    },
  };
}

async function timedUs(work: Work, pool: pg.Pool): Promise<number> {
  const startedAt = performance.now();
  await work(pool);
  return (performance.now() - startedAt) * 1_000;
}

/** The work is that of a request which the gate let through: an observed one then has more done for it. */
async function inRequest(gate: Gate, work: () => Promise<number>): Promise<number> {
  const res = plainResponse();
  const took = await new Promise<number>((resolve, reject) => {
    gate(plainRequest(), res, () => void work().then(resolve, reject));
  });
  endOf(res);
  return took;
}

await answerCalls<DriverProcess>(make);
