import { once } from 'node:events';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { type GatedApp, overload, pause, post, serve, write } from './gated-app.ts';

let served: GatedApp;
const asking = { 'x-customer': 'ann', prefer: 'respond-async' };

afterEach(async () => {
  await served.close();
});

/** Serves a gate behind `parser`, and gives what is deferred to the routes behind it. */
async function behind(parser: express.RequestHandler): Promise<unknown[]> {
  const deferred: unknown[] = [];
  served = await serve((app, gate) => {
    app.use(parser);
    app.use(gate);
    app.use(express.json(), express.urlencoded({ extended: true }));
    app.post('/orders', (req, res) => {
      deferred.push(Buffer.isBuffer(req.body) ? req.body.toString() : req.body);
      res.json({});
    });
    app.use((_req, res) => void res.end());
  });
  await overload(served);
  return deferred;
}

async function reasonsOf(answer: Response): Promise<string[]> {
  return ((await answer.json()) as { reasons: string[] }).reasons;
}

describe('JSON', () => {
  it.each([
    ['bytes', express.raw({ type: '*/*' })],
    ['text', express.text({ type: '*/*' })],
  ])('that a parser left as %s is not captured: written anew it would be other JSON', async (_, parser) => {
    const deferred = await behind(parser);
    const answer = await post(`${served.url}/orders`, { reference: 'a' }, asking);
    expect(await reasonsOf(answer)).toEqual(['over-threshold', 'body-not-capturable']);
    expect(deferred).toEqual([]);
  });

  it('in another character set than it would be written in is not captured from a parser', async () => {
    await behind(express.json());
    const answer = await fetch(`${served.url}/orders`, {
      method: 'POST',
      headers: { ...asking, 'content-type': 'application/json; charset=utf-16' },
      body: Buffer.from('{"reference":"a"}', 'utf16le'),
    });
    expect(await reasonsOf(answer)).toEqual(['over-threshold', 'body-not-capturable']);
  });

  it('that a parser before the gate left alone is captured as it comes, whatever is in req.body', async () => {
    const deferred = await behind((req, _res, next) => {
      req.body = {};
      next();
    });
    expect((await post(`${served.url}/orders`, { reference: 'a' }, asking)).status).toBe(202);
    const ledger = await served.gate.ledger.open();
    const [first] = (await ledger.list({ limit: 1 })).deferrals;
    const { body } = await ledger.request(first?.id ?? '');
    expect(Buffer.from(body).toString()).toBe('{"reference":"a"}');
    expect(deferred).toEqual([]);
  });
});

it('a caller that leaves before its body was asked for leaves nothing behind, its Idempotency-Key neither', async () => {
  const asked = new AbortController();
  served = await serve(
    (app, gate) => {
      app.use(gate);
      app.post('/orders', (_req, res) => void res.json({}));
      app.use((_req, res) => void res.end());
    },
    {
      capture: async () => {
        asked.abort();
        await pause(30);
      },
      restore: () => {},
    },
  );
  await served.gate.start();
  await overload(served);
  const socket = write(
    served.port,
    'POST /orders HTTP/1.1\r\nHost: a\r\nX-Customer: ann\r\nPrefer: respond-async\r\nIdempotency-Key: "left"\r\nContent-Length: 9\r\n\r\n{"a"',
  );
  await once(asked.signal, 'abort');
  socket.destroy();
  await pause(60);
  const answer = await post(`${served.url}/orders`, {}, { ...asking, 'idempotency-key': '"left"' });
  expect(answer.status).toBe(202);
});
