import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../middleware/perform/until.ts';
import {
  type Host,
  type HostSetup,
  ordersByHost,
  prepareOrders,
  type SharedEngine,
  startHost,
} from './hosts.ts';

/** What must hold of hosts that share an engine, whichever it is. `make` is called for each group of hosts. */
export function sharingSuite(name: string, make: () => Promise<SharedEngine>): void {
  let database: PostgresServer;
  let engine: SharedEngine;
  let hosts: Host[] = [];

  beforeAll(async () => {
    database = await startPostgres();
    await prepareOrders(database);
  });
  afterAll(() => database.stop());

  async function begin(): Promise<void> {
    engine = await make();
  }

  async function end(): Promise<void> {
    await Promise.all(hosts.map((host) => host.stop()));
    hosts = [];
    await engine.dispose();
  }

  async function start(...setups: readonly HostSetup[]): Promise<readonly Host[]> {
    const started = await Promise.all(setups.map((setup) => startHost(database, engine, setup)));
    hosts.push(...started);
    return started;
  }

  /** Hosts that share and have measured the partition. */
  async function measured(...slowerByMs: readonly number[]): Promise<readonly Host[]> {
    const started = await start(
      ...slowerByMs.map((ms, index) => ({ name: `host ${index}`, slowerByMs: ms, shares: true })),
    );
    await Promise.all(started.map((host) => host.post('/reports', 8)));
    return started;
  }

  /** One that has measured nothing, and hears so many others. */
  async function newcomerWhoHears(count: number): Promise<Host> {
    const [newcomer] = await start({ name: 'newcomer', shares: true });
    if (newcomer === undefined) throw new Error('No host was started.');
    await hears(newcomer, count);
    return newcomer;
  }

  async function sharingTroubles(host: Host): Promise<number> {
    return (await host.troubles()).filter((doing) => doing.startsWith('sharing latency')).length;
  }

  /** What a host measured counts for 30 s. On a machine so busy that they have passed, the others measure once more. */
  async function hears(host: Host, count: number): Promise<void> {
    let measureAt = performance.now() + 8_000;
    await until(async () => {
      if (((await host.partition())?.others?.hosts ?? 0) === count) return true;
      if (performance.now() > measureAt) {
        // One of them may have been killed.
        await Promise.allSettled(hosts.filter((one) => one !== host).map((one) => one.post('/reports')));
        measureAt = performance.now() + 8_000;
      }
      return false;
    });
  }

  describe(`hosts that share latency on ${name}`, () => {
    let sick: Host | undefined;
    let well: Host | undefined;

    beforeAll(async () => {
      await begin();
      [sick, well] = await measured(400, 0, 400);
    });
    afterAll(end);

    it('tell a newcomer what most of them measure, and it goes by that until it knows by itself', async () => {
      const newcomer = await newcomerWhoHears(3);
      expect(await newcomer.partition()).toMatchObject({
        samples: 0,
        states: { report: 'clear' },
        others: { valueMs: expect.any(Number), hosts: 3 },
      });
      expect((await newcomer.partition())?.others?.valueMs).toBeGreaterThanOrEqual(400);
      const answers = await newcomer.post('/reports', 6);
      expect(answers.filter(([status]) => status === 201)).toHaveLength(1);
      expect(answers.filter(([, reason]) => reason === 'others-over-threshold')).toHaveLength(5);
      // The one was its probe, and showed that its own path is well.
      await until(async () => {
        expect(await newcomer.post('/reports')).toEqual([[201]]);
        return (await newcomer.partition())?.states['report'] === 'clear';
      });
    });

    it('each go by their own value, where they have one', async () => {
      const [bySick, byWell] = await Promise.all([sick?.post('/reports', 6), well?.post('/reports', 6)]);
      expect(bySick?.filter(([, reason]) => reason === 'over-threshold')).toHaveLength(5);
      expect(byWell).toEqual(Array.from({ length: 6 }, () => [201]));
    });

    it('fall back to their own values when the engine is lost, say so once, and share again when it is back', async () => {
      const newcomer = await newcomerWhoHears(4);
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
      await hears(newcomer, 4);
    });

    it('leave out one that died', async () => {
      await sick?.kill();
      if (well !== undefined) await hears(well, 3);
    });
  });

  describe(`two hosts that share latency on ${name}`, () => {
    beforeAll(begin);
    afterAll(end);

    it('do not make a newcomer postpone anything because one of them is sick', async () => {
      await measured(400, 0);
      const newcomer = await newcomerWhoHears(2);
      expect(await newcomer.post('/reports', 6)).toEqual(Array.from({ length: 6 }, () => [201]));
      expect((await newcomer.partition())?.others?.valueMs).toBeLessThan(200);
    });
  });

  describe(`two hosts with one queue on ${name}`, () => {
    beforeAll(begin);
    afterAll(end);

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

    it('take over what is changed of a work type on the other, and one that starts later does', async () => {
      const [one, other] = hosts.length > 1 ? hosts : await start({ name: 'one' }, { name: 'other' });
      expect(await one?.changeThreshold('report', 150)).toBe(200);
      await until(async () => (await other?.thresholdOf('report')) === 150);
      expect(await other?.changeThreshold('report', 175)).toBe(200);
      await until(async () => (await one?.thresholdOf('report')) === 175);
      const [late] = await start({ name: 'late' });
      await until(async () => (await late?.thresholdOf('report')) === 175);
    });
  });
}
