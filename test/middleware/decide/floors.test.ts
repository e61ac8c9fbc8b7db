import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Admitted } from '../../../packages/middleware/src/decide/admitted.ts';
import { type Host, hostOf, letGo, rank } from './host.ts';

const order = rank('order', 2, 200);
const report = rank('report', 3, 120);
const archive = rank('archive', 4, 100);

/** A partition whose commits take so long whatever is let through; whoever is, ends with its commit. */
function slowHost(ms: number, ranks = [order, report, archive], floorOneIn = 20): Host {
  const host = hostOf({ ranks, admissions: { floorOneIn } });
  for (let n = 0; n < 5; n++) host.commitOf(ms);
  return host;
}

function run(host: Host, admitted: Admitted, ms: number): void {
  if (!admitted.perform) return;
  admitted.entry.wrote('orders');
  const commit = host.begin();
  host.time.after(ms, () => {
    host.finish(commit);
    admitted.entry.finished();
  });
}

/** Orders each 5 ms, more than is ever let through, and the others now and then. What was let through, by work type. */
function flood(host: Host, ms: number, forMs: number, others: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = { order: 0 };
  let passed = 0;
  while (passed < forMs) {
    passed += 5;
    host.time.advance(5);
    for (const name of passed % 250 === 0 ? ['order', ...others] : ['order']) {
      // Between two of them the clock goes on, as it does.
      host.time.advance(0.01);
      const admitted = host.ask(name);
      if (admitted.perform) counts[name] = (counts[name] ?? 0) + 1;
      run(host, admitted, ms);
    }
  }
  return counts;
}

describe('a work type that waits behind more important work', () => {
  it('is let through once in so many while the partition is over, however much of the other comes', () => {
    const host = slowHost(300);
    const { order: orders = 0, report: reports = 0 } = flood(host, 300, 60_000, ['report']);
    expect(host.stateOf('order')).toBe('over');
    expect(orders).toBeGreaterThan(100);
    expect(reports).toBeGreaterThanOrEqual(Math.floor(orders / 20) - 2);
    expect(reports).toBeLessThanOrEqual(Math.ceil(orders / 19));
  });

  it('is so also where several work types wait, each of them', () => {
    const host = slowHost(300);
    const counts = flood(host, 300, 100_000, ['report', 'archive']);
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    for (const name of ['report', 'archive']) {
      // One in 20, and the time until one of it comes again.
      expect(counts[name]).toBeGreaterThanOrEqual(Math.floor(all / 24));
    }
  });

  it('waits for ever where floorOneIn is 0', () => {
    const host = slowHost(300, [order, report], 0);
    expect(flood(host, 300, 30_000, ['report'])).toEqual({ order: expect.any(Number) });
  });

  it('has its turn sooner where floorOneIn is less', () => {
    const host = slowHost(300, [order, report], 5);
    const { order: orders = 0, report: reports = 0 } = flood(host, 300, 30_000, ['report']);
    expect(reports).toBeGreaterThanOrEqual(Math.floor(orders / 7));
  });

  it('has no second turn while the first hangs, until probeTimeoutMs', () => {
    const host = slowHost(300, [order, report], 2);
    letGo(host.ask('report'));
    const turns: number[] = [];
    for (let ms = 0; ms < 9_000; ms += 10) {
      host.time.advance(10);
      letGo(host.ask('order'));
      host.time.advance(0.01);
      // It is let through and never ends.
      if (host.ask('report').perform) turns.push(host.time.now());
    }
    expect(turns.length).toBeGreaterThanOrEqual(3);
    for (let n = 1; n < turns.length; n++)
      expect((turns[n] ?? 0) - (turns[n - 1] ?? 0)).toBeGreaterThanOrEqual(2_000);
  });

  it('has no turn where it would take the last connection', () => {
    const sources = [
      { partition: 'orders', driver: 'test', connections: 2, probe: undefined, completions: undefined },
    ];
    const host = hostOf({ ranks: [order, report], sources, admissions: { floorOneIn: 2 } });
    for (let n = 0; n < 5; n++) host.commitOf(300);
    let unfinished = 0;
    for (let ms = 0; ms < 20_000; ms += 10) {
      host.time.advance(10);
      letGo(host.ask('order'));
      host.time.advance(0.01);
      if (host.ask('report').reason === 'floor') unfinished += 1;
    }
    expect(unfinished).toBe(1);
  });

  it('opens nothing on one partition for a request that another postpones', () => {
    const host = slowHost(300, [order, report], 2);
    for (let n = 0; n < 5; n++) host.commitOf(300, 'other');
    for (let ms = 0; ms < 2_000; ms += 10) {
      host.time.advance(10);
      for (const partition of ['orders', 'other']) letGo(host.ask('order', partition));
      host.time.advance(0.01);
      expect(host.ask('report', ['orders', 'other']).perform).toBe(false);
    }
    expect(host.ask('report').reason).toBe('floor');
  });
});

describe('the place that is opened', () => {
  /** In the state of over, with the turn of reports due. */
  function due(): Host {
    const host = slowHost(300, [order, report, archive], 2);
    letGo(host.ask('order'));
    for (const name of ['order', 'report']) expect(host.ask(name).perform).toBe(false);
    host.time.advance(250);
    letGo(host.ask('order'));
    expect(host.ask('order').perform).toBe(false);
    host.time.advance(1);
    return host;
  }

  it('is there for more important work in the very state in which the less important is let through', () => {
    const host = due();
    expect(host.wouldPerform('order')).toBe(false);
    expect(host.wouldPerform('report')).toBe(false);
    expect(host.ask('report')).toMatchObject({ perform: true, reason: 'floor' });
    expect(host.wouldPerform('order')).toBe(true);
    expect(host.ask('order')).toMatchObject({ perform: true, reason: 'floor' });
    expect(host.wouldPerform('order')).toBe(false);
    expect(host.wouldPerform('report')).toBe(false);
  });

  it('is not opened at an instant at which more important work was turned away', () => {
    const host = due();
    expect(host.ask('order').perform).toBe(false);
    expect(host.ask('report').perform).toBe(false);
    host.time.advance(0.001);
    expect(host.ask('report').perform).toBe(true);
  });

  it('waits for nobody longer than probeEveryMs', () => {
    const host = due();
    expect(host.ask('report').reason).toBe('floor');
    host.time.advance(199);
    expect(host.wouldPerform('order')).toBe(true);
    host.time.advance(1);
    // By then it is time for a probe anyway.
    expect(host.ask('order').reason).toBe('probe');
    expect(host.ask('order').perform).toBe(false);
  });
});

describe('importance, with floors and shares', () => {
  /** Thresholds such that less important work tolerates no more latency. */
  const ranks = [
    rank('a', 1, 300),
    rank('b', 2, 200),
    rank('c', 2, 200),
    rank('d', 3, 200),
    rank('e', 5, 100),
  ];
  const second = rank('b', 2, 200);
  const requesters = [undefined, '', 'ann', 'bob', 'cy'];
  const schedule = fc.record({
    seed: fc.nat(),
    floorOneIn: fc.integer({ min: 2, max: 8 }),
    mostWaitMs: fc.constantFrom(2, 10, 40),
    shareOfSlow: fc.constantFrom(0.002, 0.01, 0.1),
    mostHeldMs: fc.constantFrom(10, 300, 1_500),
  });
  const seen = new Set<string>();

  it('in no state is a request refused for latency while a less important one would be let through', () => {
    fc.assert(
      fc.property(schedule, ({ seed, floorOneIn, mostWaitMs, shareOfSlow, mostHeldMs }) => {
        const random = randomOf(seed);
        const one = <Value>(values: readonly Value[]): Value =>
          values[Math.floor(random() * values.length)] as Value;
        const host = hostOf({ ranks, admissions: { floorOneIn, random }, latency: { minSamples: 2 } });
        for (let n = 0; n < 3; n++) host.commitOf(400);
        let instant = -1;
        let admitted: string[] = [];
        for (let step = 0; step < 600; step++) {
          if (random() < 0.7) host.time.advance(random() * mostWaitMs);
          if (host.time.now() !== instant) admitted = [];
          instant = host.time.now();
          // One requester of one work type is noisy.
          const isNoise = random() < 0.5;
          const own = isNoise ? second : one(ranks);
          const asked = host.ask(own.name, 'orders', isNoise ? 'ann' : one(requesters));
          seen.add(asked.reason);
          const performs = ({ name }: { readonly name: string }): boolean => host.wouldPerform(name);
          if (asked.perform) {
            const greater = ranks.filter(({ priority }) => priority < own.priority);
            expect(greater.filter((other) => !performs(other))).toEqual([]);
          } else {
            const lesser = ranks.filter(({ priority }) => priority > own.priority);
            expect(lesser.filter(performs)).toEqual([]);
            // Who leaves a place to others of its work type leaves none to less important work, at that instant or before.
            if (asked.reason === 'requester-share') {
              expect(lesser.filter(({ name }) => admitted.includes(name))).toEqual([]);
            }
            continue;
          }
          if (asked.reason !== 'clear') admitted.push(own.name);
          const { entry } = asked;
          if (random() < 0.9) entry.wrote('orders');
          const commit = host.begin();
          host.time.after(random() < shareOfSlow ? 500 : 5, () => {
            host.finish(commit);
            host.time.after(random() * mostHeldMs, () => entry.finished());
          });
        }
      }),
      { numRuns: 20, endOnFailure: true },
    );
    // Otherwise it would have shown nothing.
    const reasons = ['floor', 'recovered-share', 'requester-share', 'more-important-first', 'probe'];
    expect(reasons.filter((reason) => !seen.has(reason))).toEqual([]);
  });
});

/** mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
