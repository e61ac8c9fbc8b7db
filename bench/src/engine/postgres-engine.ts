import { setTimeout as sleep } from 'node:timers/promises';
import { postgresEngine } from '@slackwater/middleware/postgres-engine';
import { startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { systemClock as clock } from '../../../packages/middleware/dist/clock.js';
import type { OpenEngine } from '../../../packages/middleware/dist/engines/engine.js';
import type { QueueItem } from '../../../packages/middleware/dist/engines/queue.js';
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
    const told = await twoThatListen(server.connectionString);
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
        enqueueTold: () => perSecond(callers, forMs, () => told.queue.enqueue(item(next()))),
        appendBeside: () => appendsBesideItems(opened, forMs, entry, () => item(next())),
        appendBesideTold: () => appendsBesideItems(told, forMs, entry, () => item(next())),
        single: () => perSecond(callers, forMs, () => pool.query(insertOne, [entry])),
      },
      quick ? 6 : 12,
      (round) => progress(`round ${round + 1}`),
    );
    await Promise.all([opened.close(), told.close()]);
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
      figure(
        `items enqueued by ${callers} callers, told to another host / told to nobody`,
        rates.enqueueTold,
        rates.enqueue,
      ),
      figure(
        `appends of ${callers} callers beside enqueuing, told to another host / told to nobody`,
        rates.appendBesideTold,
        rates.appendBeside,
      ),
    ];
  } finally {
    await pool.end();
    await server.stop();
  }
}

/** A host that tells another of all that it enqueues, in a schema of their own. Closes both. */
async function twoThatListen(connectionString: string): Promise<OpenEngine> {
  const hosts: { opened: OpenEngine; pool: pg.Pool }[] = [];
  for (let n = 0; n < 2; n++) {
    const pool = new pg.Pool({ connectionString, max: 10 });
    const opened = await postgresEngine({ pool, keys: '{}', schema: 'told', ensure: true }).open({
      ...{ application: 'bench', group: 'main', clock },
    });
    opened.listen?.({ keyPrefix: 'k/', enqueued() {}, due() {}, changed() {} });
    while (opened.status?.().listening !== true) await sleep(10);
    hosts.push({ opened, pool });
  }
  const [teller] = hosts;
  if (teller === undefined) throw new Error('There are no hosts.');
  return {
    ...teller.opened,
    async close() {
      await Promise.all(hosts.map(({ opened, pool }) => opened.close().then(() => pool.end())));
    },
  };
}

/** Appends per second while a few others enqueue, which is what is told. */
async function appendsBesideItems(
  { log, queue }: OpenEngine,
  forMs: number,
  entry: Uint8Array,
  nextItem: () => QueueItem,
): Promise<number> {
  const [appends] = await Promise.all([
    perSecond(callers, forMs, () => log.append([entry])),
    perSecond(16, forMs, () => queue.enqueue(nextItem())),
  ]);
  return appends;
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
