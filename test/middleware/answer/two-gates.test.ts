import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gate, replayOf, slackwater, sqliteEngine } from '@slackwater/middleware';
import express from 'express';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { type GatedApp, options, overload, partition, pause, post, serve } from './gated-app.ts';

let served: GatedApp;
const undo: (() => Promise<unknown>)[] = [];
const asking = { 'x-customer': 'ann', prefer: 'respond-async' };

afterEach(async () => {
  await served.close();
  for (const step of undo.splice(0)) await step();
});

function anotherGate(): Gate {
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-another-'));
  const gate = slackwater({ ...options, application: 'another', engine: sqliteEngine({ directory }) });
  undo.push(async () => {
    await gate.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return gate;
}

describe('a gate that a request passes twice', () => {
  it('judges it once: its key is not in the way of itself', async () => {
    served = await serve((app, gate) => {
      app.use(gate);
      app.use('/orders', gate);
      app.post('/orders', (_req, res) => void res.json({}));
    });
    const answer = await post(`${served.url}/orders`, {}, { ...asking, 'idempotency-key': '"twice"' });
    expect(answer.status).toBe(200);
  });

  it('judges it once: a probe is not refused because there is one', async () => {
    served = await serve((app, gate) => {
      app.use(gate);
      app.use(gate);
      app.post('/probe', (_req, res) => void res.json({}));
    });
    const { gate } = served;
    await Promise.all(Array.from({ length: 8 }, () => gate.latency.commit(partition, () => pause(40))));
    expect((await post(`${served.url}/probe`, {})).status).toBe(200);
  });
});

describe('two gates before one route', () => {
  it('both learn what it writes, and neither loses what makes it be done once', async () => {
    const inner = slackwater();
    undo.push(() => inner.close());
    const keys: (string | undefined)[] = [];
    served = await serve(
      (app, gate) => {
        app.use(gate, inner);
        app.post('/orders', (_req, res) => {
          keys.push(requestContext.getStore()?.completion?.key);
          requestContext.getStore()?.wrote('learned');
          res.json({});
        });
      },
      { partition: () => undefined },
    );
    await served.gate.start();
    const partitions: (string | undefined)[] = [];
    for (const gate of [served.gate, inner]) gate.on('decision', (event) => partitions.push(event.partition));
    await post(`${served.url}/orders`, {}, { ...asking, 'idempotency-key': '"a"' });
    await post(`${served.url}/orders`, {});
    expect(partitions).toEqual([undefined, undefined, 'learned', 'learned']);
    expect(keys).toEqual([expect.any(String), undefined]);
  });

  it('do not take the replays of the other for theirs', async () => {
    const inner = anotherGate();
    const identities: unknown[] = [];
    served = await serve(
      (app, gate) => {
        app.use(gate, inner);
        app.use(express.json());
        app.post('/orders', (req, res) => {
          identities.push(replayOf(req)?.identity, Reflect.get(req, 'user'));
          res.json({});
        });
        app.use((_req, res) => void res.end());
      },
      {
        capture: () => ({ name: 'ann' }),
        restore: (req, user) => void Reflect.set(req, 'user', user),
      },
    );
    await served.gate.start();
    await overload(served);
    expect((await post(`${served.url}/orders`, {}, asking)).status).toBe(202);
    for (let n = 0; n < 12; n++) await served.gate.latency.commit(partition, () => pause(1));
    await vi.waitFor(() => expect(identities).toEqual([{ name: 'ann' }, { name: 'ann' }]), 30_000);
  });
});
