import { describe, expect, it } from 'vitest';
import type { Benchmark } from '../../bench/src/benchmark.ts';
import { once } from '../../bench/src/statistics.ts';
import { take } from '../../bench/src/take.ts';

const run = { quick: true, progress: () => {} };

describe('taking a benchmark', () => {
  it('keeps figures with machine, versions, settings and all that was told, however often', async () => {
    const figure = { what: 'speed', unit: 'ratio', value: once(1) } as const;
    const benchmark: Benchmark = {
      ...{ name: 'some', title: 'some of it', packages: ['pg'], ours: 'us', bars: [] },
      async measure({ quick, tell }) {
        tell({ settings: { us: 'as ever', quick: String(quick) }, versions: { server: '1.2' } });
        tell({ settings: { us: 'otherwise' }, data: { more: [1, 2] } });
        return [figure];
      },
    };
    const result = await take(benchmark, run);
    expect(result).toMatchObject({
      ...{ name: 'some', title: 'some of it', quick: true, ours: 'us', bars: [], figures: [figure] },
      ...{ settings: { us: 'otherwise', quick: 'true' }, pictures: [], data: { more: [1, 2] } },
    });
    expect(result.versions).toEqual({ pg: expect.stringMatching(/^\d+\.\d+\.\d+$/), server: '1.2' });
    expect(result.machine.node).toBe(process.version);
    expect(Date.parse(result.takenAt)).toBeGreaterThan(0);
  });

  it('fails where a package is not installed whose version belongs to it', async () => {
    const benchmark: Benchmark = {
      ...{ name: 'some', title: 'some', packages: ['no-such-package-anywhere'] },
      measure: async () => [],
    };
    await expect(take(benchmark, run)).rejects.toThrow('no-such-package-anywhere');
  });
});
