import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import express from 'express';
import pg from 'pg';
import { acceptAll } from '../acceptance/accept-all.ts';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';
import { partition } from '../work-types.ts';
import { timed } from './timed-engine.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What a drain took, for each deferral. */
export interface Drained {
  readonly perSecond: number;
  /** Processor time of this process, µs; the engine's thread included. */
  readonly processorUs: number;
  /** Waiting for the claim, for the route, for being settled, and for all the rest while it was claimed: what is recorded and looked up; ms. */
  readonly claimMs: number;
  readonly routeMs: number;
  readonly settleMs: number;
  readonly restMs: number;
}

/** A server of orders whose deferrals are drained. */
export interface DrainProcess {
  url(): Promise<string>;
  /** Puts so many items behind all others on the queue, through the engine directly: no ledger knows of them. */
  fill(count: number): Promise<void>;
  /** Accepts so many deferrals, then drains them. */
  drain(count: number): Promise<Drained>;
  /** Processor time of this process until now, µs. */
  processorUs(): Promise<number>;
  /** What JavaScript holds when the garbage is gone, heap and buffers, and what the process has resident; bytes. */
  memory(): Promise<{ readonly held: number; readonly resident: number }>;
  /** How often orders were over their threshold. */
  trips(): Promise<number>;
}

/** What it is given. */
export interface DrainPlace {
  readonly connectionString: string;
  readonly directory: string;
}

/** So many calls are under way while the queue is filled. */
const fillers = 1_000;
/** Behind whatever is accepted. */
const leastImportant = 9;
const farBehind = 1_000_000_000;

async function make({ connectionString, directory }: DrainPlace): Promise<DrainProcess> {
  const pool = new pg.Pool({ connectionString, max: 20 });
  // The database is stopped before this process is.
  pool.on('error', () => {});
  observe(pool, { partition, ensure: true });
  const { engine, times, opened } = timed(sqliteEngine({ directory }));
  const gate = slackwater({
    application: 'bench',
    workTypes: { order: { priority: 2, thresholdMs: 500, whenOver: 'defer' } },
    routes: { 'POST /orders': { workType: 'order', partition } },
    requester: (req) => req.get('x-customer'),
    engine,
    ledger: { engineTimeoutMs: 60_000, maxQueued: 10_000_000 },
  });
  const app = express();
  let routeMs = 0;
  let trips = 0;
  let performed = 0;
  let onPerformed = (): void => {};
  gate.on('state', ({ to }) => {
    if (to === 'over') trips += 1;
  });
  gate.on('deferral', ({ type }) => {
    if (type !== 'performed') return;
    performed += 1;
    onPerformed();
  });
  app.use((_req, res, next) => {
    const startedAt = performance.now();
    res.once('close', () => {
      routeMs += performance.now() - startedAt;
    });
    next();
  });
  app.use(gate);
  app.use(express.json());
  app.post('/orders', async (_req, res) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query("INSERT INTO orders (note) VALUES ('bench')");
      await client.query('COMMIT');
    } finally {
      client.release();
    }
    res.status(201).json({ id: 1 });
  });
  const url = await listen(app);
  await gate.start();
  const ledger = await gate.ledger.open();
  let filled = 0;

  async function fill(count: number): Promise<void> {
    await gate.queue.pause({ partition });
    const { queue } = opened();
    const until = filled + count;
    await Promise.all(
      Array.from({ length: fillers }, async () => {
        for (let n = filled++; n < until; n = filled++) {
          const position = farBehind + n;
          await queue.enqueue({ id: `filler-${n}`, partition, priority: leastImportant, position });
        }
      }),
    );
    filled = until;
  }

  async function drain(count: number): Promise<Drained> {
    await gate.queue.pause({ partition });
    await acceptAll(ledger, count);
    performed = 0;
    routeMs = 0;
    Object.assign(times, { items: 0, claimMs: 0, heldMs: 0, settleMs: 0 });
    const before = process.cpuUsage();
    const startedAt = performance.now();
    const done = new Promise<void>((resolve) => {
      onPerformed = () => {
        if (performed === count) resolve();
      };
    });
    await gate.queue.resume({ partition });
    await done;
    const tookMs = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(before);
    // Before it comes upon those that no ledger knows.
    await gate.queue.pause({ partition });
    const { items, claimMs, heldMs, settleMs } = times;
    return {
      perSecond: (count * 1_000) / tookMs,
      processorUs: (user + system) / count,
      claimMs: claimMs / items,
      routeMs: routeMs / items,
      settleMs: settleMs / items,
      restMs: (heldMs - routeMs) / items,
    };
  }

  return {
    url: async () => `${url}/orders`,
    fill,
    drain,
    async processorUs() {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    async memory() {
      collectGarbage();
      const { heapUsed, external, rss } = process.memoryUsage();
      return { held: heapUsed + external, resident: rss };
    },
    trips: async () => trips,
  };
}

await answerCalls<DrainProcess>(make);
