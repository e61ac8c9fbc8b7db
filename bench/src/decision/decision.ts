import type { Benchmark, Figure } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import type { DecisionProcess } from './decision-process.ts';

const script = new URL('decision-process.ts', import.meta.url);

/** What the gate does to a request that it lets through, beside the pass-through of circuit breakers. */
export const decision: Benchmark = {
  name: 'decision',
  title: "the gate's decision on an admitted request, in process / the pass-through of circuit breakers",
  async measure({ quick, progress }) {
    progress('deciding');
    const child = startChild<DecisionProcess>(script, null);
    try {
      const { usual, bare, cockatiel, opossum } = await child.ask('compare', quick ? 40 : 300);
      const against = (name: string, gate: readonly number[], other: readonly number[]): Figure => ({
        what: name,
        unit: 'ratio',
        value: spreadOf(ratios(gate, other)),
        target: { atMost: 1 },
        note: `${name.split(' / ')[1]}: ${Math.round(medianOf(other))} ns`,
      });
      return [
        {
          what: 'with work types, routes and deferring',
          unit: 'ns',
          value: spreadOf(usual),
          target: { atMost: 1_000 },
          note: 'until next() is called, by the public handler',
        },
        { what: 'without options', unit: 'ns', value: spreadOf(bare), target: { atMost: 1_000 } },
        against('the first / cockatiel', usual, cockatiel),
        against('the first / opossum', usual, opossum),
      ];
    } finally {
      await child.end();
    }
  },
};
