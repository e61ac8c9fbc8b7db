import { postgresEngine } from '@slackwater/middleware/postgres-engine';
import { startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { systemClock as clock } from '../../../packages/middleware/dist/clock.js';
import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';

const callers = 256;
const entryBytes = 400;

/** What the PostgreSQL engine makes of a server, beside what its client makes of it. */
export const engine: Benchmark = {
  name: 'engine',
  title: 'the PostgreSQL engine / plain inserts on the same server',
  measure,
};

async function measure({ quick, progress }: Run): Promise<readonly Figure[]> {
  progress('starting PostgreSQL');
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.connectionString, max: 10 });
  try {
    await pool.query('CREATE TABLE plain (id bigserial PRIMARY KEY, entry bytea NOT NULL)');
    const opened = await postgresEngine({ pool, keys: '{}', ensure: true }).open({
      ...{ application: 'bench', group: 'main', clock },
    });
    const { log, queue, store } = opened;
    const entry = Buffer.alloc(entryBytes, 7);
    const batch = Array.from({ length: callers }, () => entry);
    const insertOne = 'INSERT INTO plain (entry) VALUES ($1)';
    let n = 0;
    const next = (): number => {
      n += 1;
      return n;
    };
    const forMs = quick ? 150 : 700;
    const item = (position: number) => ({ id: `item ${position}`, partition: 'p', priority: 1, position });
    progress('in turn');
    const rates = await inTurn(
      {
        append: () => perSecond(callers, forMs, () => log.append([entry])),
        enqueue: () => perSecond(callers, forMs, () => queue.enqueue(item(next()))),
        create: () => perSecond(callers, forMs, () => store.create(`k/${next()}`, entry)),
        batches: async () =>
          callers *
          (await perSecond(1, forMs, () =>
            pool.query('INSERT INTO plain (entry) SELECT unnest($1::bytea[])', [batch]),
          )),
        single: () => perSecond(callers, forMs, () => pool.query(insertOne, [entry])),
      },
      quick ? 6 : 12,
      (round) => progress(`round ${round + 1}`),
    );
    await opened.close();
    const figure = (
      what: string,
      of: readonly number[],
      by: readonly number[],
      target?: Figure['target'],
    ): Figure => ({
      what,
      unit: 'ratio',
      value: spreadOf(ratios(of, by)),
      note: `${Math.round(medianOf(of))} / ${Math.round(medianOf(by))} per second`,
      ...(target === undefined ? {} : { target }),
    });
    return [
      figure(
        `appends of ${callers} callers / rows inserted in batches of ${callers}`,
        rates.append,
        rates.batches,
        {
          atLeast: 0.4,
        },
      ),
      figure(
        `items enqueued by ${callers} callers / rows inserted by ${callers} callers`,
        rates.enqueue,
        rates.single,
      ),
      figure(
        `values created by ${callers} callers / rows inserted by ${callers} callers`,
        rates.create,
        rates.single,
      ),
    ];
  } finally {
    await pool.end();
    await server.stop();
  }
}

/** How many calls a second so many callers get through, each making its next when its last was answered. */
async function perSecond(count: number, forMs: number, call: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  let calls = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() - startedAt < forMs) {
      await call();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: count }, caller));
  return (calls * 1_000) / (performance.now() - startedAt);
}
