import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../middleware/perform/until.ts';
import {
  type Host,
  type HostSetup,
  ordersByHost,
  prepareOrders,
  type SharedEngine,
  startHost,
} from './hosts.ts';

/** Processes start one after another, and slowly where others are busy. */
const patientMs = 60_000;

/** What must hold of hosts that share an engine, whichever it is. `make` is called for each test. */
export function sharingSuite(name: string, make: () => Promise<SharedEngine>): void {
  let database: PostgresServer;
  let engine: SharedEngine;
  let hosts: Host[];

  beforeAll(async () => {
    database = await startPostgres();
    await prepareOrders(database);
  });
  afterAll(() => database.stop());
  beforeEach(async () => {
    engine = await make();
    hosts = [];
  });
  afterEach(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    await engine.dispose();
  });

  async function start(...setups: readonly HostSetup[]): Promise<readonly Host[]> {
    const started = await Promise.all(setups.map((setup) => startHost(database, engine, setup)));
    hosts.push(...started);
    return started;
  }

  /** Hosts that share and have measured the partition, and one that has not and hears them all. */
  async function newcomerAmong(...slowerByMs: readonly number[]): Promise<readonly Host[]> {
    const measured = await start(
      ...slowerByMs.map((ms, index) => ({ name: `host ${index}`, slowerByMs: ms, shares: true })),
    );
    await Promise.all(measured.map((host) => host.post('/reports', 8)));
    const newcomers = await start({ name: 'newcomer', shares: true });
    for (const newcomer of newcomers) await hears(newcomer, slowerByMs.length);
    return [...newcomers, ...measured];
  }

  async function sharingTroubles(host: Host): Promise<number> {
    return (await host.troubles()).filter((doing) => doing.startsWith('sharing latency')).length;
  }

  async function hears(host: Host, count: number): Promise<void> {
    await until(async () => ((await host.partition())?.others?.hosts ?? 0) === count);
  }

  describe(`hosts that share latency on ${name}`, { timeout: patientMs }, () => {
    it('tell a newcomer what most of them measure, and it goes by that until it knows by itself', async () => {
      const [newcomer] = await newcomerAmong(400, 400);
      expect(await newcomer?.partition()).toMatchObject({
        samples: 0,
        states: { report: 'clear' },
        others: { valueMs: expect.any(Number), hosts: 2 },
      });
      expect((await newcomer?.partition())?.others?.valueMs).toBeGreaterThanOrEqual(400);
      const answers = (await newcomer?.post('/reports', 6)) ?? [];
      expect(answers.filter(([status]) => status === 201)).toHaveLength(1);
      expect(answers.filter(([, reason]) => reason === 'others-over-threshold')).toHaveLength(5);
      // The one was its probe, and showed that its own path is well.
      for (let i = 0; i < 12; i++) expect(await newcomer?.post('/reports')).toEqual([[201]]);
      expect(await newcomer?.partition()).toMatchObject({
        states: { report: 'clear' },
        others: { hosts: 2 },
      });
    });

    it('do not make a newcomer postpone anything because one of them is sick', async () => {
      const [newcomer] = await newcomerAmong(400, 0);
      expect(await newcomer?.post('/reports', 6)).toEqual(Array.from({ length: 6 }, () => [201]));
      expect((await newcomer?.partition())?.others?.valueMs).toBeLessThan(200);
    });

    it('each go by their own value, where they have one', async () => {
      const [, sick, well] = await newcomerAmong(400, 0, 400);
      const [bySick, byWell] = await Promise.all([sick?.post('/reports', 6), well?.post('/reports', 6)]);
      expect(bySick?.filter(([, reason]) => reason === 'over-threshold')).toHaveLength(5);
      expect(byWell).toEqual(Array.from({ length: 6 }, () => [201]));
    });

    it('leave out one that died', async () => {
      const [newcomer, first] = await newcomerAmong(400, 400, 400);
      await first?.kill();
      if (newcomer !== undefined) await hears(newcomer, 2);
    });

    it('fall back to their own values when the engine is lost, say so once, and share again when it is back', async () => {
      const [newcomer] = await newcomerAmong(400, 400);
      if (newcomer === undefined) return;
      await engine.lose();
      try {
        await until(async () => (await newcomer.partition())?.others === undefined);
        expect(await newcomer.post('/reports', 4)).toEqual(Array.from({ length: 4 }, () => [201]));
        // Some engines are read on for a while, by hosts that write nothing.
        const told = await Promise.all(hosts.map(sharingTroubles));
        expect(Math.max(...told)).toBe(1);
      } finally {
        await engine.giveBack();
      }
      await hears(newcomer, 2);
    });
  });

  describe(`two hosts with one queue on ${name}`, { timeout: patientMs }, () => {
    it('look each at its own latency: what the sick one defers the other performs (D-02, D-24)', async () => {
      const before = await ordersByHost(database);
      const [sick, well] = await start({ name: 'sick', slowerByMs: 400 }, { name: 'well' });
      await Promise.all([sick?.post('/reports', 8), well?.post('/reports', 8)]);
      const answers = await sick?.post('/orders', 12, { prefer: 'respond-async' });
      // One of them is the probe of the sick host, and the only one it takes.
      expect(answers?.map(([status]) => status).sort()).toEqual([
        201,
        ...Array.from({ length: 11 }, () => 202),
      ]);
      await until(async () => (await ordersByHost(database))['well'] === 8 + 11);
      expect({ ...before, ...(await ordersByHost(database)) }).toMatchObject({
        ...before,
        sick: 9,
        well: 19,
      });
      expect((await sick?.partition())?.states['order']).toBe('over');
      expect((await well?.partition())?.states['order']).toBe('clear');
    });
  });
}
