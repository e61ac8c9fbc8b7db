import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import express from 'express';
import { afterEach, expect, it, vi } from 'vitest';
import { type GatedApp, options, overload, partition, pause, post, serve } from './gated-app.ts';

let served: GatedApp;

afterEach(async () => {
  await served.close();
});

it('an attempt that comes to the gate while it closes has its identity', async () => {
  const users: unknown[] = [];
  let onReplay = (): void => {};
  served = await serve(
    (app, gate) => {
      // Between the attempt's beginning and the gate, as anything that takes its time may stand.
      app.use((req, _res, next) => {
        if (req.get('x-customer') !== undefined || req.path === '/probe') next();
        else {
          onReplay();
          setTimeout(next, 20);
        }
      });
      app.use(gate);
      app.post('/orders', (req, res) => {
        users.push(Reflect.get(req, 'user'));
        res.json({});
      });
      app.use((_req, res) => void res.end());
    },
    { capture: () => ({ name: 'ann' }), restore: (req, user) => void Reflect.set(req, 'user', user) },
  );
  const { gate, url } = served;
  await gate.start();
  await overload(served);
  onReplay = () => void gate.close();
  const asking = { 'x-customer': 'ann', prefer: 'respond-async' };
  expect((await post(`${url}/orders`, {}, asking)).status).toBe(202);
  for (let n = 0; n < 12; n++) await gate.latency.commit(partition, () => pause(1));
  await vi.waitFor(() => expect(users).toEqual([{ name: 'ann' }]), 30_000);
});

it('a gate that is closed while it starts does not begin to perform, and is silent from then on', async () => {
  served = await serve((app, gate) => void app.use(gate));
  const { gate } = served;
  const troubles: string[] = [];
  const starting = gate.start();
  gate.on('trouble', ({ doing }) => troubles.push(doing));
  await gate.close();
  await starting.catch(() => {});
  await pause(200);
  expect(troubles).toEqual([]);
});

it('a gate that is started before it is mounted performs nothing until there are routes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-starting-'));
  const engine = sqliteEngine({ directory });
  // No second probe, by which it would be performed before it is closed.
  const latency = { probeEveryMs: 60_000 };
  served = await serve((app, gate) => void app.use(gate, (_req, res) => void res.end()), { engine, latency });
  await served.gate.start();
  await overload(served);
  const asking = { 'x-customer': 'ann', prefer: 'respond-async' };
  expect((await post(`${served.url}/orders`, {}, asking)).status).toBe(202);
  await served.close();

  const ends: string[] = [];
  const gate = slackwater({ ...options, engine });
  gate.on('deferral', ({ type }) => ends.push(type));
  await gate.latency.commit(partition, async () => {});
  await gate.start();
  await pause(100);
  expect(ends).toEqual([]);
  const app = express();
  app.use(gate);
  app.post('/orders', (_req, res) => void res.json({}));
  await gate.start();
  // On a busy machine its one commit may look slow, and then a probe comes first.
  await vi.waitFor(() => expect(ends.at(-1)).toBe('performed'), 45_000);
  await gate.close();
  rmSync(directory, { recursive: true, force: true });
});
