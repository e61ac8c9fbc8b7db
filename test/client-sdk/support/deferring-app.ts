import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gate, type SlackwaterOptions, slackwater, sqliteEngine } from '@slackwater/middleware';
import express, { type RequestHandler } from 'express';
import {
  announceSource,
  type Commit,
  commitFinished,
  commitStarted,
} from '../../../packages/middleware/src/drivers/driver.ts';

/** An application behind a real gate that defers every order, and performs it. */
export interface DeferringApp {
  readonly origin: string;
  readonly gate: Gate;
  /** The orders that were done, by their `sku`, in order. */
  readonly done: readonly string[];
  /** The orders whose success was told and that were undone. */
  readonly undone: readonly string[];
  /** Lets the routes go on that wait: orders whose `sku` is `held`. */
  release(): void;
  /** Holds them again. */
  hold(): void;
  close(): Promise<void>;
}

/** Starts it on a free port of loopback. `before` is middleware in front of the gate. */
export async function deferringApp(
  options: SlackwaterOptions = {},
  before: readonly RequestHandler[] = [],
): Promise<DeferringApp> {
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-deferring-'));
  const done: string[] = [];
  const undone: string[] = [];
  let release: () => void = () => {};
  let held = new Promise<void>((resolve) => {
    release = resolve;
  });
  // The shop's database is a list in memory, with a driver of its own.
  const partition = `orders-${directory}`;
  const withdraw = announceSource({ ...database, partition });
  const gate = slackwater({
    application: 'shop',
    partition,
    requester: (req) => String(req.headers['x-user'] ?? 'anybody'),
    capture: () => ({}),
    restore: () => {},
    engine: sqliteEngine({ directory }),
    workTypes: {
      told: {
        priority: 2,
        whenOver: 'defer',
        candidates: 'always',
        repeatable: true,
        acknowledge: 'succeeded',
        result: () => ({ status: 201, body: { told: true } }),
        compensate: ({ request }) => void undone.push(JSON.parse(Buffer.from(request.body).toString()).sku),
      },
      order: { priority: 1, whenOver: 'defer', candidates: 'always', repeatable: true },
    },
    routes: {
      '* /told': { workType: 'told' },
      '* /orders': { workType: 'order' },
      '* /orders/:id': { workType: 'order' },
    },
    ...options,
  });
  const app = express();
  for (const middleware of before) app.use(middleware);
  app.use(gate);
  app.use(express.json());
  app.all(['/orders', '/orders/:id', '/told'], async (req, res) => {
    const sku = String(req.body?.sku ?? '');
    if (sku === 'held') await held;
    commit(partition);
    done.push(sku);
    if (sku === 'bad') res.status(422).json({ bad: true });
    else res.status(201).json({ order: done.length, sku });
  });
  app.get('/plain', (_req, res) => void res.json({ plain: true }));
  // A partition is known from its first commit on.
  commit(partition);
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    gate,
    done,
    undone,
    release: () => release(),
    hold() {
      held = new Promise<void>((resolve) => {
        release = resolve;
      });
    },
    async close() {
      release();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await gate.close();
      withdraw();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const database = {
  driver: 'memory',
  connections: undefined,
  probe: undefined,
  completions: undefined,
} as const;

function commit(partition: string): void {
  const startedAt = performance.now();
  const one: Commit = {
    partition,
    kind: 'explicit',
    startedAt,
    context: undefined,
    durationMs: 0.1,
    outcome: undefined,
  };
  commitStarted.publish(one);
  one.outcome = 'committed';
  commitFinished.publish(one);
}
