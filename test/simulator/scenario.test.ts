import { describe, expect, it } from 'vitest';
import { readScenario } from '../../simulator/src/read-scenario.ts';

const scenario = {
  seed: 1,
  durationMs: 1_000,
  hosts: 2,
  workTypes: { order: { priority: 1, thresholdMs: 100 } },
  partitions: { orders: { serviceMs: 5, parallel: 2 } },
  load: [
    { workType: 'order', partition: 'orders', ratePerSecond: 10, fromMs: 0, toMs: 1_000, caller: 'sdk' },
  ],
  reportWindowMs: 500,
};

const withFault = (fault: object): object => ({
  ...scenario,
  partitions: { orders: { serviceMs: 5, parallel: 2, faults: [fault] } },
});

describe('a scenario', () => {
  it('is read with the work types as options have them', () => {
    const { options } = readScenario(scenario);
    expect(options.workTypes).toMatchObject([{ name: 'order', exempt: false, whenOver: 'retry-later' }]);
  });

  it.each([
    [{ ...scenario, host: 2 }, /^host: there is no such option; did you mean hosts\?/],
    [
      { ...scenario, partitions: { orders: { serviceMs: 5, paralel: 2 } } },
      /^partitions\.orders\.paralel: .*parallel\?/,
    ],
    [
      { ...scenario, load: [{ ...scenario.load[0], rate: 5 }] },
      /^load\[0\]\.rate: there is no such option; .*ratePerSecond/,
    ],
    [
      { ...scenario, workTypes: { order: { priority: 1, threshold: 9 } } },
      /^workTypes\.order\.threshold: .*thresholdMs\?/,
    ],
    [withFault({ fromMs: 0, toMs: 9, slower: 3 }), /^partitions\.orders\.faults\[0\]\.slower: .*factor/],
  ])('refuses a member that it does not know, by its name, and says which there are', (given, said) => {
    expect(() => readScenario(given)).toThrow(said);
  });

  it.each([
    [[], /^options: .*; a scenario is an object/],
    [{ ...scenario, seed: undefined }, /^seed: missing; seed, durationMs, hosts/],
    [
      { ...scenario, durationMs: '60 s' },
      /^durationMs: "60 s" is a string; give a whole number of milliseconds/,
    ],
    [{ ...scenario, hosts: 0 }, /^hosts: .*; give a whole number of hosts|^hosts: 0/],
    [
      { ...scenario, load: [{ ...scenario.load[0], workType: 'other' }] },
      /^load\[0\]\.workType: .*it is not one of workTypes: order/,
    ],
    [{ ...scenario, load: [{ ...scenario.load[0], partition: 'other' }] }, /^load\[0\]\.partition: .*orders/],
    [
      { ...scenario, load: [{ ...scenario.load[0], caller: 'rude' }] },
      /^load\[0\]\.caller: .*"sdk" or "obedient" or "naive"/,
    ],
    [{ ...scenario, load: [{ ...scenario.load[0], toMs: 0 }] }, /^load\[0\]\.toMs: 0 is not after fromMs, 0/],
    [
      { ...scenario, load: [{ ...scenario.load[0], ratePerSecond: Number.NaN }] },
      /^load\[0\]\.ratePerSecond/,
    ],
    [
      {
        ...scenario,
        durationMs: 3_600_000,
        load: [{ ...scenario.load[0], ratePerSecond: 1e6, toMs: 3_600_000 }],
      },
      /^load: it makes 3,600,000,000 requests; at most/,
    ],
    [{ ...scenario, durationMs: 3_600_000, reportWindowMs: 1 }, /^reportWindowMs: 1 makes 3,600,000 rows/],
    [withFault({ fromMs: 0, toMs: 9 }), /faults\[0\]: a fault has one of factor, latencyMs and refuse: true/],
    [withFault({ fromMs: 0, toMs: 9, factor: 2, refuse: true }), /faults\[0\]: a fault has one of/],
    [
      withFault({ fromMs: 0, toMs: 9, factor: 2, hosts: 1 }),
      /faults\[0\]\.hosts: a factor slows the partition itself/,
    ],
    [
      withFault({ fromMs: 0, toMs: 9, refuse: true, sparesProbes: true }),
      /faults\[0\]\.sparesProbes: .*a probe needs a connection/,
    ],
    [withFault({ fromMs: 0, toMs: 9, latencyMs: 2, hosts: 3 }), /faults\[0\]\.hosts: 3 of 2 hosts/],
  ])('refuses what can not be meant, with the way out (%#)', (given, said) => {
    expect(() => readScenario(given)).toThrow(said);
  });
});
