import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { onceOver } from '../../../packages/middleware/src/answer/once-over.ts';
import { type GatedApp, pause, post, serve, write } from './gated-app.ts';

let served: GatedApp | undefined;

afterEach(async () => {
  await served?.close();
  served = undefined;
});

const keyed = { 'x-customer': 'ann', 'idempotency-key': '"once"' };

describe('a request whose body a parser has read before the gate', () => {
  it('is performed also where something was awaited since', async () => {
    served = await serve((app, gate) => {
      app.use(express.json());
      app.use((_req, _res, next) => void setTimeout(next, 5));
      app.use(gate);
      app.post('/orders', (req, res) => void res.json(req.body));
    });
    const answer = await post(`${served.url}/orders`, { reference: 'parsed' });
    expect(await answer.json()).toEqual({ reference: 'parsed' });
  });

  it('is performed where its Idempotency-Key had to be looked up', async () => {
    served = await serve((app, gate) => {
      app.use(express.json());
      app.use(gate);
      app.post('/orders', (req, res) => void res.json(req.body));
    });
    const answer = await post(`${served.url}/orders`, { reference: 'keyed' }, keyed);
    expect(await answer.json()).toEqual({ reference: 'keyed' });
  });
});

describe('a request that waits behind another one of its connection', () => {
  it('is over when the connection is, though its response is never closed', async () => {
    const [socket] = duplexPair() as unknown as [Socket];
    const res = new ServerResponse(new IncomingMessage(socket));
    let over = 0;
    onceOver(socket, res, () => {
      over += 1;
    });
    socket.destroy();
    await once(socket, 'close');
    expect(over).toBe(1);
    res.emit('close');
    expect(over).toBe(1);
  });

  it('is over when its response is, once', async () => {
    const [socket] = duplexPair() as unknown as [Socket];
    const res = new ServerResponse(new IncomingMessage(socket));
    let over = 0;
    onceOver(socket, res, () => {
      over += 1;
    });
    res.emit('close');
    socket.destroy();
    await once(socket, 'close');
    expect(over).toBe(1);
  });

  it('is over at once where its response was closed before, and leaves nothing with the connection', async () => {
    const [socket] = duplexPair() as unknown as [Socket];
    const res = new ServerResponse(new IncomingMessage(socket));
    res.destroy();
    await once(res, 'close');
    let over = 0;
    const before = socket.listenerCount('close');
    onceOver(socket, res, () => {
      over += 1;
    });
    expect([over, socket.listenerCount('close')]).toEqual([1, before]);
  });

  it('lets its Idempotency-Key go when the connection ends before its turn', async () => {
    let arrived = 0;
    const both = new AbortController();
    served = await serve((app, gate) => {
      app.use(gate);
      app.use(express.json());
      app.post('/orders', (req, res) => {
        arrived += 1;
        if (arrived === 2) both.abort();
        if (arrived > 2) res.json(req.body);
      });
    });
    await served.gate.start();
    const request = (key: string): string =>
      `POST /orders HTTP/1.1\r\nHost: a\r\nX-Customer: ann\r\nIdempotency-Key: "${key}"\r\nContent-Length: 0\r\n\r\n`;
    const socket = write(served.port, request('first') + request('once'));
    await once(both.signal, 'abort');
    expect((await post(`${served.url}/orders`, {}, keyed)).status).toBe(409);
    socket.destroy();
    await pause(50);
    expect((await post(`${served.url}/orders`, {}, keyed)).status).toBe(200);
  });
});
