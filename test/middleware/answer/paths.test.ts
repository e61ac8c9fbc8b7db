import type { Socket } from 'node:net';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { type GatedApp, serve, write } from './gated-app.ts';

let served: GatedApp;

afterEach(async () => {
  await served.close();
});

function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(bytes.toString('latin1').split('\r\n')[0] ?? '');
    });
  });
}

describe.each(['', '/shop'])(
  'what Express takes for one path, a gate mounted at "%s" takes for it too:',
  (base) => {
    it.each([
      '/orders?of=all',
      '/orders/',
      '/Orders',
      '/orders#all',
      '/orders?of#all',
      'http://elsewhere/orders',
      'http://elsewhere/orders?of#all',
    ])('%s', async (target) => {
      const routes: (string | undefined)[] = [];
      served = await serve(
        (app, gate) => {
          const router = express.Router();
          router.use(gate);
          router.post('/orders', (_req, res) => void res.json({}));
          app.use(base === '' ? '/' : base, router);
        },
        { routes: { [`POST ${base}/orders`]: { workType: 'order' } } },
      );
      served.gate.on('decision', ({ route }) => routes.push(route));
      const [, origin = '', path = ''] = /^(https?:\/\/[^/]+)?(.*)$/.exec(target) ?? [];
      const request = `POST ${origin}${base}${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`;
      expect(await firstLine(write(served.port, request))).toBe('HTTP/1.1 200 OK');
      expect(routes).toEqual([`${base}/orders`]);
    });
  },
);
