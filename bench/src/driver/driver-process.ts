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

/** Medians of one round, µs. */
export interface Pair {
  readonly observed: number;
  readonly bare: number;
}

/** Uses an observed pool and one that is not, within requests. */
export interface DriverProcess {
  /** So many rounds of so many calls of each pool, one after the other, call by call in turn. */
  pairs(kind: Kind, durability: Durability, rounds: number, each: number): Promise<readonly Pair[]>;
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
const options: Readonly<Record<Durability, string>> = {
  flushed: '-c synchronous_commit=on',
  unflushed: '-c synchronous_commit=off',
};

async function make(connectionString: string): Promise<DriverProcess> {
  const poolOf = (durability: Durability): pg.Pool =>
    new pg.Pool({ connectionString, max: 4, options: options[durability] });
  const bare = { flushed: poolOf('flushed'), unflushed: poolOf('unflushed') };
  const observed = { flushed: poolOf('flushed'), unflushed: poolOf('unflushed') };
  for (const pool of Object.values(observed)) observe(pool, { partition });
  // It lets everything through: the partition stays healthy.
  const gate = slackwater({ partition, thresholdMs: 60_000 });
  return {
    async pairs(kind, durability, rounds, each) {
      const timed = (pool: pg.Pool): Promise<number> => inRequest(gate, () => timedUs(works[kind], pool));
      const taken: Pair[] = [];
      for (let round = 0; round < rounds; round++) {
        const tookUs = { observed: [] as number[], bare: [] as number[] };
        for (let n = 0; n < each; n++) {
          const names = n % 2 === 0 ? (['observed', 'bare'] as const) : (['bare', 'observed'] as const);
          for (const name of names) {
            const pool = (name === 'observed' ? observed : bare)[durability];
            tookUs[name].push(await timed(pool));
          }
        }
        taken.push({ observed: medianOf(tookUs.observed), bare: medianOf(tookUs.bare) });
      }
      return taken;
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
