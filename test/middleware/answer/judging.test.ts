import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DecisionEvent, type SlackwaterOptions, slackwater } from '@slackwater/middleware';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../packages/middleware/src/clock.ts';

/** A gate in front of one handler that takes everything. */
interface Host {
  /** What was decided of the requests, in their order. */
  readonly decisions: DecisionEvent[];
  /** What happened, in its order: `decided` and `handled`. */
  readonly happened: string[];
  /** Commits of these durations, in ms. */
  commits(partition: string, durations: readonly number[]): void;
  send(path: string, init?: RequestInit): Promise<number>;
}

const undo: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function open(options: SlackwaterOptions): Promise<Host> {
  // No probe by chance: one request of each work type is the probe, and no other.
  const gate = slackwater({ ...options, latency: { probeEveryMs: 60_000, ...options.latency } });
  const decisions: DecisionEvent[] = [];
  const happened: string[] = [];
  gate.on('decision', (decision) => {
    decisions.push(decision);
    happened.push('decided');
  });
  const app = express();
  app.use(gate);
  app.use((_req, res) => {
    happened.push('handled');
    res.status(201).end();
  });
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  undo.push(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    await gate.close();
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    decisions,
    happened,
    commits(partition, durations) {
      for (const durationMs of durations) {
        gate.latency.finish({
          partition,
          kind: 'explicit',
          startedAt: systemClock.now() - durationMs,
          context: undefined,
          durationMs,
          outcome: 'committed',
        });
      }
    },
    send: async (path, init) => (await fetch(`${url}${path}`, { method: 'POST', ...init })).status,
  };
}

const five = (ms: number): readonly number[] => [ms, ms, ms, ms, ms];

describe('a request through the service interface', () => {
  it('is aimed at one partition: by its rule, by a function of it, at once or as a promise (D-15)', async () => {
    const host = await open({
      routes: {
        'POST /payments': { partition: 'payments' },
        'POST /shards/:id': { partition: ({ params }) => `shard ${params['id']}` },
        'POST /later/:id': { partition: async ({ params }) => `later ${params['id']}` },
      },
      partition: (req) => req.get('x-partition') ?? 'rest',
    });
    for (const path of ['/payments', '/shards/7', '/shards/8', '/later/9', '/other']) await host.send(path);
    await host.send('/other', { headers: { 'x-partition': 'named' } });
    const partitions = host.decisions.map(({ partition }) => partition);
    expect(partitions).toEqual(['payments', 'shard 7', 'shard 8', 'later 9', 'rest', 'named']);
  });

  it('goes by the latency of that partition and of no other (D-11)', async () => {
    const host = await open({ thresholdMs: 100, partition: (req) => req.path });
    host.commits('/slow', five(300));
    host.commits('/quick', five(3));
    await host.send('/slow');
    expect([await host.send('/slow'), await host.send('/quick')]).toEqual([503, 201]);
  });

  it('is put into a category with a priority, by its rule, by a function, or the default one (D-16)', async () => {
    const host = await open({
      workTypes: { pay: { priority: 1, exempt: true }, order: { priority: 2 }, rest: { priority: 3 } },
      routes: {
        'POST /payments': { workType: 'pay' },
        'POST /orders/:kind': {
          workType: async ({ params }) => (params['kind'] === 'paid' ? 'pay' : 'order'),
        },
      },
      classify: (req) => (req.get('x-order') === undefined ? undefined : 'order'),
      partition: 'shop',
    });
    for (const path of ['/payments', '/orders/paid', '/orders/open', '/other']) await host.send(path);
    await host.send('/other', { headers: { 'x-order': 'yes' } });
    const workTypes = host.decisions.map(({ workType }) => workType);
    expect(workTypes).toEqual(['pay', 'pay', 'order', 'rest', 'order']);
  });

  it('has the threshold that the table holds for its level (D-17)', async () => {
    const host = await open({
      workTypes: {
        first: { priority: 1, thresholdMs: 300 },
        second: { priority: 2, thresholdMs: 200 },
        third: { priority: 3, thresholdMs: 100 },
      },
      classify: (req) => req.path.slice(1),
      partition: 'shop',
    });
    const postponedAt = async (ms: number): Promise<readonly string[]> => {
      host.commits(
        'shop',
        Array.from({ length: 64 }, () => ms),
      );
      const postponed: string[] = [];
      for (const level of ['first', 'second', 'third']) {
        // The first of those over the threshold is the probe.
        await host.send(`/${level}`);
        if ((await host.send(`/${level}`)) === 503) postponed.push(level);
      }
      return postponed;
    };
    expect(await postponedAt(100)).toEqual([]);
    expect(await postponedAt(101)).toEqual(['third']);
    expect(await postponedAt(201)).toEqual(['second', 'third']);
    expect(await postponedAt(301)).toEqual(['first', 'second', 'third']);
  });

  it('is decided on, with the reasons, before its handler runs (B-01)', async () => {
    const host = await open({ thresholdMs: 100, partition: 'shop' });
    await host.send('/');
    host.commits('shop', five(300));
    await host.send('/');
    await host.send('/');
    expect(host.happened).toEqual(['decided', 'handled', 'decided', 'handled', 'decided']);
    expect(host.decisions.map(({ decision, reasons }) => [decision, reasons])).toEqual([
      ['perform', ['clear']],
      ['perform', ['probe']],
      ['retry-later', ['over-threshold']],
    ]);
  });
});

/** Figures 2 and 3 of the document that the D rows are from: the samples of four partitions. */
const samples = {
  '118A': [100, 150, 155, 300, 240, 100, 220],
  '118B': [205, 150, 260, 120, 100, 115, 110],
  '118C': [75, 80, 75, 85, 100, 120, 105],
  '118N': [100, 160, 155, 200, 240, 100, 170],
};

/** Its figure 5, literally. */
const figure5 = {
  '1': { priority: 1, exempt: true },
  '2': { priority: 2, thresholdMs: 175 },
  '3': { priority: 3, thresholdMs: 200 },
  N: { priority: 9, thresholdMs: 600 },
};

describe("figure 5's table against the samples of figures 2 and 3 (D-08, D-09, D-18)", () => {
  it.each([
    { statistic: 'median', postponed: [] },
    { statistic: 'mean', postponed: ['2 for 118A'] },
  ] as const)('postpones $postponed by the $statistic', async ({ statistic, postponed }) => {
    const host = await open({
      workTypes: figure5,
      classify: (req) => req.path.split('/')[1],
      partition: (req) => req.path.split('/')[2] ?? '',
      latency: { statistic },
    });
    for (const [partition, durations] of Object.entries(samples)) host.commits(partition, durations);
    const found: string[] = [];
    for (const level of Object.keys(figure5)) {
      for (const partition of Object.keys(samples)) {
        await host.send(`/${level}/${partition}`);
        if ((await host.send(`/${level}/${partition}`)) === 503) found.push(`${level} for ${partition}`);
      }
    }
    expect(found).toEqual(postponed);
  });
});

describe('the latency table of a host', () => {
  it('is refreshed by each commit, and what it says decides the next request (D-13)', async () => {
    const host = await open({ thresholdMs: 100, partition: 'shop', latency: { window: 5 } });
    host.commits('shop', [90, 90, 90, 110]);
    expect(await host.send('/')).toBe(201);
    host.commits('shop', [110]);
    await host.send('/');
    expect(host.decisions.at(-1)?.reasons).toEqual(['clear']);
    host.commits('shop', [110]);
    await host.send('/');
    expect(host.decisions.at(-1)?.reasons).toEqual(['probe']);
    expect(await host.send('/')).toBe(503);
  });
});
