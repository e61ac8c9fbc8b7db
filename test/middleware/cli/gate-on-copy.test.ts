import { sqliteEngine } from '@slackwater/middleware';
import { type DeferralResource, verifyReceipt } from '@slackwater/shared';
import express from 'express';
import { afterEach, expect, it } from 'vitest';
import { type GatedApp, overload, partition, post, serve } from '../answer/gated-app.ts';
import { makePlace, type Place } from '../engines/sqlite/place.ts';
import { until } from '../perform/until.ts';
import { copied } from './command-line.ts';

const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function place(): Promise<Place> {
  const made = await makePlace();
  undo.push(made.dispose);
  return made;
}

async function shopAt({ directory }: Place, sold: string[]): Promise<GatedApp> {
  const shop = await serve(
    (app, gate) => {
      app.use(gate, express.json());
      app.post('/orders', (req, res) => {
        sold.push(req.body.item);
        res.status(201).json({ sold: req.body.item });
      });
    },
    { engine: sqliteEngine({ directory }) },
  );
  undo.push(shop.close);
  return shop;
}

it('a gate on the copy performs what was deferred before, and its caller reads the outcome with the old link', async () => {
  const [before, after] = [await place(), await place()];
  const sold: string[] = [];
  const shop = await shopAt(before, sold);
  await overload(shop);
  const asking = { prefer: 'respond-async', 'x-customer': 'ann', 'idempotency-key': '"oars"' };
  const answer = await post(`${shop.url}/orders`, { item: 'oars' }, asking);
  expect(answer.status).toBe(202);
  const resource = (await answer.json()) as DeferralResource;
  const location = answer.headers.get('location') ?? '';
  await shop.close();
  expect(sold).toEqual([]);

  const { verifierKey } = await copied(before.directory, after.directory);
  const moved = await shopAt(after, sold);
  // What nobody measures is not performed on.
  await moved.gate.latency.commit(partition, async () => {});
  await moved.gate.start();
  await until(async () => (await fetch(moved.url + location)).headers.get('slackwater-outcome') === 'final');
  const outcome = await fetch(moved.url + location);
  expect(outcome.status).toBe(201);
  expect(await outcome.json()).toEqual({ sold: 'oars' });
  expect(sold).toEqual(['oars']);

  const again = await post(`${moved.url}/orders`, { item: 'oars' }, asking);
  expect(again.headers.get('operation-location')).toContain(resource.id);
  expect(sold).toEqual(['oars']);
  verifyReceipt(resource.receipt ?? '', {
    entry: Buffer.from(resource.entry ?? '', 'base64'),
    verifierKeys: [verifierKey],
  });
  expect(await (await moved.gate.ledger.open()).verify()).toMatchObject({ ok: true });
});
