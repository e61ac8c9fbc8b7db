import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pictureOf } from '../../simulator/src/picture.ts';
import { type ReadScenario, readScenario } from '../../simulator/src/read-scenario.ts';
import { type Report, simulate } from '../../simulator/src/simulate.ts';
import { shareRefused } from '../../simulator/src/sums.ts';

const folder = new URL('../../simulator/scenarios/', import.meta.url);
const pictures = new URL('../../docs/simulator/', import.meta.url);

function scenario(name: string): ReadScenario {
  return readScenario(JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')));
}

const reports = new Map<string, Promise<Report>>();
function reportOf(name: string): Promise<Report> {
  const known = reports.get(name) ?? simulate(scenario(name));
  reports.set(name, known);
  return known;
}

/** The share postponed in seconds 2 to 4 after the fault that ends at 40 s. */
async function postponedAfter(name: string): Promise<number> {
  const { windows } = await reportOf(name);
  return shareRefused(windows, 42_000, 44_000);
}

describe('after a stall of 20 s in which nothing commits', () => {
  it.each(['total-stall', 'herd'])(
    'hardly anything is postponed in seconds 2 to 4, nothing is inverted and nothing trips again (%s)',
    async (name) => {
      const report = await reportOf(name);
      expect(await postponedAfter(name)).toBeLessThan(0.01);
      expect({ inversions: report.inversions, retrips: report.retrips }).toEqual({
        inversions: 0,
        retrips: 0,
      });
      expect(report.timeToFirstAdmissionAfterFaultMs).toBeLessThan(1_000);
    },
  );

  it('all that was deferred has been drained', async () => {
    const { windows } = await reportOf('total-stall');
    const sum = (what: 'deferred' | 'drained'): number =>
      windows.reduce((total, row) => total + row[what], 0);
    expect(sum('deferred')).toBeGreaterThan(5_000);
    expect(sum('drained')).toBe(sum('deferred'));
  });
});

describe('a backlog of ten thousand after a stall of 20 s', () => {
  it.each([1, 2, 3])(
    'is gone in at most 1.2 times what the partition needs, and trips nothing again (seed %i)',
    async (seed) => {
      const read = scenario('backlog');
      const { drains, retrips } = await simulate({ ...read, scenario: { ...read.scenario, seed } });
      expect(drains).toMatchObject([{ partition: 'orders', faultToMs: 30_000 }]);
      const [{ backlog = 0, goneAfterMs, neededMs } = {}] = drains;
      expect(backlog).toBeGreaterThan(10_000);
      expect((goneAfterMs ?? Number.NaN) / (neededMs ?? Number.NaN)).toBeLessThan(1.2);
      expect(retrips).toBe(0);
    },
  );

  it('is said to be left over where the simulation ends before it is gone', async () => {
    const { scenario: whole, options } = scenario('backlog');
    const { drains } = await simulate({ scenario: { ...whole, durationMs: 31_000 }, options });
    expect(drains).toMatchObject([{ goneAfterMs: null, neededMs: null }]);
  });
});

describe('a queue of deferrals that fail again and again', () => {
  it('does not hide that commits are quick again, where the probes of drivers can not show it', async () => {
    const { windows, inversions, retrips } = await reportOf('poisoned-queue');
    expect(shareRefused(windows, 21_000, 25_000)).toBe(0);
    expect({ inversions, retrips }).toEqual({ inversions: 0, retrips: 0 });
  });
});

describe('whatever happens', () => {
  it.each(['steady', 'spike', 'total-stall', 'oscillation', 'one-sick-host', 'herd'])(
    'exempt work is never touched, and nothing is inverted (%s)',
    async (name) => {
      const { windows, inversions } = await reportOf(name);
      const exempt = windows.filter(({ workType }) => workType === 'authorize');
      expect(exempt.reduce((sum, { offered }) => sum + offered, 0)).toBeGreaterThan(1_000);
      for (const { offered, performed } of exempt) expect(performed).toBe(offered);
      expect(inversions).toBe(0);
    },
  );

  it('each request that arrives is performed, refused or deferred', async () => {
    const { windows } = await reportOf('spike');
    for (const { offered, performed, refused, deferred } of windows)
      expect(performed + refused + deferred).toBe(offered);
  });

  it('nothing is postponed while nothing is wrong', async () => {
    expect(shareRefused((await reportOf('steady')).windows, 0, 60_000)).toBe(0);
  });

  it('hosts that are well go on while one is sick', async () => {
    const { windows } = await reportOf('one-sick-host');
    const share = shareRefused(windows, 22_000, 40_000);
    expect(share).toBeGreaterThan(0.02);
    // One of twenty.
    expect(share).toBeLessThan(0.06);
  });

  it('a partition that is slow every other ten seconds is left alone while it is, and trips no more than that', async () => {
    const { windows, retrips } = await reportOf('oscillation');
    for (const from of [10_000, 30_000, 50_000]) {
      expect(shareRefused(windows, from + 2_000, from + 10_000)).toBeGreaterThan(0.5);
      expect(shareRefused(windows, from + 12_000, from + 20_000)).toBeLessThan(0.01);
    }
    expect(retrips).toBe(0);
  });
});

describe('a simulation', () => {
  it('gives the same report each time', async () => {
    expect(await simulate(scenario('one-sick-host'))).toEqual(await reportOf('one-sick-host'));
  });

  it('can be drawn again: the picture in the documents is the same to the byte', async () => {
    const drawn = pictureOf('steady', scenario('steady').scenario, await reportOf('steady'));
    expect(drawn).toBe(readFileSync(new URL('steady.svg', pictures), 'utf8'));
  });

  it('has a picture in the documents for each scenario', () => {
    const names = (of: URL, ending: string): readonly string[] =>
      readdirSync(of).map((file) => file.replace(ending, ''));
    expect(names(pictures, '.svg').toSorted()).toEqual(names(folder, '.json').toSorted());
  });
});
