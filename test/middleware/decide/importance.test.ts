import { describe, expect, it } from 'vitest';
import { hostOf, rank } from './host.ts';

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

/** Thresholds such that less important work tolerates no more latency. */
const ranks = [rank('first', 1, 300), rank('second', 2, 200), rank('third', 2, 200), rank('last', 3, 100)];

describe('importance', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'never refuses more important work at an instant at which less important work is admitted (seed %i)',
    (seed) => {
      const random = randomOf(seed);
      const host = hostOf({ ranks, admissions: { random } });
      let latencyMs = 20;
      let refusals = 0;
      let admissions = 0;
      for (let step = 0; step < 4_000; step++) {
        if (random() < 0.01) latencyMs = [5, 20, 90, 150, 250, 600, 3_000][Math.floor(random() * 7)] ?? 5;
        host.time.advance(random() * 30);
        const lesser = Math.floor(random() * ranks.length);
        const admitted = host.ask(ranks[lesser]?.name ?? '');
        if (!admitted.perform) {
          refusals += 1;
          continue;
        }
        admissions += 1;
        const { entry } = admitted;
        if (random() < 0.9) {
          entry.wrote('orders');
          const commit = host.begin();
          host.time.after(latencyMs * (0.5 + random()), () => {
            host.finish(commit);
            entry.finished();
          });
        } else host.time.after(random() * 1_000, () => entry.finished());
        // At the same instant, somebody more important must be let through.
        const priority = ranks[lesser]?.priority ?? 0;
        const greater = ranks.filter((one) => one.priority < priority);
        const name = greater[Math.floor(random() * greater.length)]?.name;
        if (name === undefined) continue;
        const other = host.ask(name);
        expect(`${name}: ${other.perform}`).toBe(`${name}: true`);
        if (other.perform) other.entry.finished();
      }
      expect(refusals).toBeGreaterThan(100);
      expect(admissions).toBeGreaterThan(100);
    },
  );
});
