import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Gate, slackwater } from '@slackwater/middleware';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../packages/middleware/src/clock.ts';

// Requesters share so many places, and which two fall together is drawn: here none of these do.
vi.hoisted(() => {
  Math.random = () => 0.4;
});

let gate: Gate;
let url: string;
let end: () => Promise<void>;
/** Whom the option `requester` was asked for. */
const asked: (string | undefined)[] = [];
const troubles: string[] = [];

beforeAll(async () => {
  gate = slackwater({
    partition: 'orders',
    thresholdMs: 50,
    requester: async (req) => {
      const who = req.get('x-who');
      asked.push(who);
      if (who === 'broken') throw new Error('no session');
      await Promise.resolve();
      return who;
    },
    // No second probe, and no end to yielding, by chance.
    latency: { probeEveryMs: 60_000 },
  });
  gate.on('trouble', ({ doing }) => troubles.push(doing));
  const app = express();
  app.use(gate, (_req, res) => {
    res.status(201).end();
  });
  const http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/orders`;
  end = async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    await gate.close();
  };
});

afterAll(() => end());

function commits(durationMs: number, count: number): void {
  for (let n = 0; n < count; n++) {
    const startedAt = systemClock.now() - (durationMs > 50 ? durationMs : 0);
    gate.latency.finish({
      ...{ partition: 'orders', kind: 'explicit', startedAt, context: undefined },
      ...{ durationMs, outcome: 'committed' },
    });
  }
}

/** What became of a request of somebody: its status, and the reasons where it was postponed. */
async function send(who?: string): Promise<readonly unknown[]> {
  const response = await fetch(url, { method: 'POST', headers: who === undefined ? {} : { 'x-who': who } });
  if (response.status === 201) return [201];
  const { reasons } = (await response.json()) as { readonly reasons: readonly string[] };
  return [response.status, ...reasons];
}

describe('who a request is made for', () => {
  it('is not asked while its partition is clear', async () => {
    commits(5, 10);
    expect([await send('ann'), await send('bob')]).toEqual([[201], [201]]);
    expect(asked).toEqual([]);
  });

  it('is asked while it is over, and waited for', async () => {
    commits(400, 64);
    // It finds out that the partition is over, and is its probe.
    expect(await send('cy')).toEqual([201]);
    expect(await send('bob')).toEqual([503, 'over-threshold']);
    expect(asked).toEqual(['bob']);
  });

  it('decides while it recovers: the last who had the only place leaves it to one that was turned away', async () => {
    commits(5, 1);
    expect(await send('ann')).toEqual([201]);
    expect(await send('ann')).toEqual([503, 'requester-share']);
    expect(await send('bob')).toEqual([201]);
  });

  it('counts as nobody known where that can not be told: all of those have one share', async () => {
    expect(await send('broken')).toEqual([201]);
    expect(troubles).toEqual(['asking for the requester']);
    expect(await send('broken')).toEqual([503, 'requester-share']);
    expect(await send()).toEqual([503, 'requester-share']);
    expect(await send('ann')).toEqual([201]);
  });
});
