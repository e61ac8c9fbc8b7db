import { afterEach, expect, it } from 'vitest';
import { type GatedApp, overload, partition, pause, post, serve } from './gated-app.ts';

let served: GatedApp;
const asking = { 'x-customer': 'ann', prefer: 'respond-async', 'idempotency-key': '"key"' };

afterEach(async () => {
  await served.close();
});

it('a repeated request gets its deferral also where nobody knows its partition any more', async () => {
  let known: string | undefined = partition;
  served = await serve((app, gate) => void app.use(gate, (_req, res) => void res.end()), {
    partition: () => known,
  });
  await overload(served);
  const first = await post(`${served.url}/orders`, {}, asking);
  expect(first.status).toBe(202);
  known = undefined;
  const again = await post(`${served.url}/orders`, {}, asking);
  expect(again.status).toBe(202);
  expect((await again.json()).id).toBe((await first.json()).id);
});

it('a request with a key is not performed where requester fails, for its key may stand for a deferral', async () => {
  let performed = 0;
  let fails = false;
  served = await serve(
    (app, gate) =>
      void app.use(gate, (_req, res) => {
        performed += 1;
        res.end();
      }),
    {
      requester: () => {
        if (fails) throw new Error('the directory is down');
        return 'ann';
      },
    },
  );
  await overload(served);
  expect((await post(`${served.url}/orders`, {}, asking)).status).toBe(202);
  const before = performed;
  fails = true;
  const again = await post(`${served.url}/orders`, {}, asking);
  expect(again.status).toBe(503);
  expect((await again.json()).reasons).toEqual(['option-function-failed']);
  expect(performed).toBe(before);
});

it('a request that something else has answered meanwhile is not recorded', async () => {
  served = await serve(
    (app, gate) => {
      app.use((req, res, next) => {
        if (req.path === '/orders') setTimeout(() => res.status(504).end(), 10);
        next();
      });
      app.use(gate, (_req, res) => void res.end());
    },
    { capture: () => pause(30), restore: () => {} },
  );
  await served.gate.start();
  await overload(served);
  const { 'idempotency-key': _, ...unkeyed } = asking;
  expect((await fetch(`${served.url}/orders`, { method: 'POST', headers: unkeyed })).status).toBe(504);
  await pause(60);
  expect((await (await served.gate.ledger.open()).list({ limit: 10 })).deferrals).toEqual([]);
});
