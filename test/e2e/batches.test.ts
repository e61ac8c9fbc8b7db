import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type BatchEvent,
  type BatchRun,
  commit,
  type Gate,
  slackwater,
  sqliteEngine,
} from '@slackwater/middleware';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestContext } from '../../packages/middleware/src/request-context.ts';
import { auth, claims, signed } from '../middleware/audit/issuer.ts';
import { until } from '../middleware/perform/until.ts';

const patienceMs = 30_000;
let directory: string;
let gates: readonly Gate[];
let server: Server;
let url: string;

/** A gate on the engine that all of them share. */
function gateOnEngine(): Gate {
  return slackwater({
    application: 'batches',
    workTypes: { authorize: { priority: 1, exempt: true }, settle: { priority: 2, thresholdMs: 50 } },
    engine: sqliteEngine({ directory }),
    ledger: { engineTimeoutMs: 30_000 },
    latency: { probeEveryMs: 60_000 },
    auth,
  });
}

async function get(path: string): Promise<Response> {
  const headers = { authorization: `Bearer ${signed(claims(Date.now(), 'audit:read'))}` };
  return fetch(`${url}/slackwater/${path}`, { headers });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-batches-'));
  gates = [gateOnEngine(), gateOnEngine()];
  const app = express();
  const [first] = gates;
  if (first !== undefined) app.use(first);
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await Promise.all(gates.map((gate) => gate.start()));
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await Promise.all(gates.map((gate) => gate.close()));
  await rm(directory, { recursive: true, force: true });
});

describe('a batch of two hosts on one engine', () => {
  it('is run by one at a time, each with a greater fencing token, measured like every work, and seen from outside', async () => {
    const tokens: number[] = [];
    const contexts: unknown[] = [];
    const ended: BatchEvent[] = [];
    let atOnce = 0;
    let most = 0;
    const batches = gates.map((gate) => {
      gate.on('batch', (event) => event.type === 'ended' && ended.push(event));
      return gate.batch({
        name: 'hourly',
        workType: 'settle',
        schedule: { everyMs: 100 },
        source: () => [{ id: `${tokens.length}`, partition: 'ledgers' }],
        perform: async ([item], { fencingToken }) => {
          most = Math.max(most, ++atOnce);
          tokens.push(fencingToken);
          contexts.push(requestContext.getStore()?.postponable);
          await commit(item?.partition ?? '', async () => {});
          atOnce -= 1;
        },
      });
    });
    await until(
      () => ended.length >= 6,
      () => {},
      patienceMs,
    );
    expect(most).toBe(1);
    expect(tokens.every((token, at) => at === 0 || token > (tokens[at - 1] ?? 0))).toBe(true);
    expect(new Set(contexts)).toEqual(new Set([true]));
    expect(gates[0]?.latency.read('ledgers').samples).toBeGreaterThan(0);
    await batches[0]?.pause();
    // By hand it is run all the same, once the other host has ended what it was about.
    let byHand: BatchRun | undefined;
    const isRun = async (): Promise<boolean> => {
      byHand = await batches[0]?.run().catch(() => undefined);
      return byHand !== undefined;
    };
    await until(isRun, () => {}, patienceMs);
    expect(byHand).toMatchObject({ trigger: 'hand', outcome: 'performed', performed: 1 });
    const { batches: rows } = (await (await get('batches')).json()) as { batches: object[] };
    expect(rows).toMatchObject([
      { name: 'hourly', workType: 'settle', state: 'paused', schedule: 'every 100 ms' },
    ]);
    expect(rows[0]).toMatchObject({ lastRun: { outcome: 'performed' } });
    expect(rows[0]).not.toHaveProperty('lastRun.failures');
    expect((await fetch(`${url}/slackwater/batches`)).status).toBe(404);
    const metrics = await (await get('metrics')).text();
    expect(metrics).toMatch(/slackwater_batch_running\{batch="hourly"\} 0/);
    const count = (name: string): number =>
      Number(
        new RegExp(`^${name}\\{batch="hourly",outcome="performed"\\} (\\d+)$`, 'm').exec(metrics)?.[1] ?? 0,
      );
    expect(count('slackwater_batch_runs_total')).toBeGreaterThan(0);
    expect(count('slackwater_batch_items_total')).toBeGreaterThan(0);
    const health = (await (await fetch(`${url}/slackwater/health`)).json()) as object;
    expect(health).toMatchObject({ batches: { paused: 1 } });
    await Promise.all(batches.map((batch) => batch.close()));
  });

  it('waits while its partition is slow, and its items wait with it (D-32, D-33, D-34)', async () => {
    const [gate] = gates;
    const slowly = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));
    await Promise.all(Array.from({ length: 8 }, () => gate?.latency.commit('slow', slowly)));
    const source = [{ id: 'a', partition: 'slow' }];
    const perform = async (): Promise<void> => {};
    const options = { workType: 'settle', direction: 'inbound', source, perform } as const;
    const run = await gate?.batch({ name: 'responses', ...options }).run();
    expect(run).toMatchObject({
      outcome: 'postponed',
      reasons: ['one-over', 'over-threshold'],
      performed: 0,
    });
    expect(source).toHaveLength(1);
    const exempt = await gate?.batch({ name: 'authorizations', ...options, workType: 'authorize' }).run();
    expect(exempt).toMatchObject({ outcome: 'performed', performed: 1 });
  });

  it('has one name in each gate, and none in a gate that is closed', async () => {
    const other = slackwater();
    const options = { name: 'twice', workType: 'default', source: [], perform: async () => {} };
    other.batch(options);
    expect(() => other.batch(options)).toThrow('batch.name: there is a batch "twice" already');
    await other.close();
    expect(() => other.batch({ ...options, name: 'late' })).toThrow('The gate is closed');
  });

  it('is taken over from a host that is killed in the middle of it', async () => {
    const program = fileURLToPath(new URL('children/batch-host.ts', import.meta.url));
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, DIRECTORY: directory },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(patienceMs) })) as [
      Buffer,
    ];
    const options = {
      name: 'settlements',
      workType: 'settle',
      source: () => [{ id: 'first', partition: 'orders' }],
    };
    const watching = gates[1]?.batch({ ...options, perform: async () => {} });
    await expect(watching?.run()).rejects.toMatchObject({ code: 'batch-busy' });
    const tokens: number[] = [];
    const heir = gates[0]?.batch({
      ...options,
      schedule: { everyMs: 100 },
      perform: async (_, { fencingToken }) => void tokens.push(fencingToken),
    });
    child.kill('SIGKILL');
    await once(child, 'close');
    await until(
      () => tokens.length > 0,
      () => {},
      patienceMs,
    );
    expect(tokens[0]).toBeGreaterThan(Number(line.toString()));
    await heir?.close();
  });
});
