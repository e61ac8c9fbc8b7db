import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@slackwater/client-sdk';
import { type GateWarning, slackwater, sqliteEngine } from '@slackwater/middleware';
import express, { type RequestHandler } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, post } from './orders-app.ts';

/** An application's database, observed with `ensure: true`, and a route that writes to it. */
export interface OnceRoute {
  readonly partition: string;
  /** Writes `req.body.reference`, and answers 201. */
  readonly handler: RequestHandler;
  /** How often that was written. */
  times(reference: string): Promise<number>;
}

/** What an application on any driver with completion rows must do: each request once, deferred or not, whatever was lost. */
export function doneOnceSuite(name: string, open: () => Promise<OnceRoute>): void {
  describe(`requests on ${name} that are to be done once`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'slackwater-once-'));
    const warnings: GateWarning[] = [];
    let route: OnceRoute;
    let url: string;
    let close: () => Promise<void>;

    beforeAll(async () => {
      route = await open();
      const { partition } = route;
      const gate = slackwater({
        application: 'once',
        workTypes: { order: { priority: 2, thresholdMs: 60_000, whenOver: 'defer', candidates: 'always' } },
        routes: { 'POST /orders': { workType: 'order', partition } },
        requester: (req) => req.get('x-customer'),
        engine: sqliteEngine({ directory }),
        perform: { lookEveryMs: 50 },
        ledger: { engineTimeoutMs: 30_000 },
      });
      gate.on('warning', (warning) => warnings.push(warning));
      const app = express();
      app.use(gate);
      app.use(express.json());
      const cut = new Set<string>();
      app.use((req, res, next) => {
        const reference = req.get('x-cut-once');
        if (reference !== undefined && !cut.has(reference)) {
          cut.add(reference);
          res.end = () => {
            req.socket.destroy();
            return res;
          };
        }
        next();
      });
      app.post('/orders', route.handler);
      const server = createServer(app);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      await gate.start();
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      close = async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        await gate.close();
        rmSync(directory, { recursive: true, force: true });
      };
    });
    afterAll(() => close());

    const send = (reference: string, mayDefer: boolean): Promise<Response> =>
      post(
        `${url}/orders`,
        { reference },
        {
          'x-customer': 'ann',
          'idempotency-key': `"${reference}"`,
          ...(mayDefer && { prefer: 'respond-async' }),
        },
      );
    const settled = (response: Response) =>
      eventually(async () => {
        const resource = await (await fetch(url + response.headers.get('operation-location'))).json();
        expect(resource.phase).toBe('settled');
        return resource;
      });

    it('are repeated by the client SDK where their answer was lost, once the server has said that it keeps keys: one effect', async () => {
      const headers = { 'x-customer': 'ann' };
      const client = createClient({ baseURL: url, headers, preferAsync: false, retryAfterCapMs: 100 });
      await eventually(async () => {
        const { headers: said } = await client.post('/orders', { reference: 'learned' });
        expect(said['slackwater-keys']).toBe('kept');
      });
      const cut = { headers: { 'x-cut-once': 'cut' } };
      const response = await client.post('/orders', { reference: 'cut' }, cut);
      expect(response).toMatchObject({ status: 204, slackwater: { attempts: 2, outcomeKnown: false } });
      expect(await route.times('cut')).toBe(1);
    });

    it('are deferred, performed and known by their key', async () => {
      const accepted = await send('deferred', true);
      expect(accepted.status).toBe(202);
      expect(await settled(accepted)).toMatchObject({ status: 'Succeeded', attempts: 1 });
      expect((await send('deferred', true)).headers.get('operation-location')).toContain(
        String((await accepted.json()).id),
      );
      expect(await route.times('deferred')).toBe(1);
      expect(warnings).toEqual([]);
    });

    it('are not done again where they were performed at once, whether they come back to be performed or deferred', async () => {
      expect((await send('at once', false)).status).toBe(201);
      const again = await send('at once', false);
      expect([again.status, (await again.json()).code]).toEqual([409, 'already-performed']);
      const deferred = await send('at once', true);
      expect(await settled(deferred)).toMatchObject({ status: 'Succeeded', outcomeKnown: false });
      expect(await route.times('at once')).toBe(1);
    });
  });
}
