import type { Benchmark, Figure } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import type { Contender, DecisionProcess } from './decision-process.ts';

const script = new URL('decision-process.ts', import.meta.url);

/** What the gate does to a request that it lets through, beside the pass-through of circuit breakers and a rate limiter. */
export const decision: Benchmark = {
  name: 'decision',
  title:
    "the gate's decision on an admitted request, in process, beside the pass-through of circuit breakers and a rate limiter",
  async measure({ quick, progress }) {
    progress('deciding');
    const child = startChild<DecisionProcess>(script, null);
    try {
      const taken = await child.ask('compare', quick ? 40 : 300);
      const bytes = await child.ask('allocated', quick ? 40 : 300);
      const ns = (what: string, of: Contender): Figure => ({ what, unit: 'ns', value: spreadOf(taken[of]) });
      const against = (what: string, of: Contender, by: Peer): Figure => comparison(taken, what, of, by);
      const below = { atMost: 1 };
      return [
        { ...ns('the decision: what is it, may it', 'decide'), target: { atMost: 1_000 } },
        { ...against('the decision', 'decide', 'cockatiel'), target: below },
        { ...against('the decision', 'decide', 'opossum'), target: below },
        { ...against('the decision', 'decide', 'rateLimit'), target: below },
        against('may it, alone', 'ask', 'cockatiel'),
        against('the decision while commits are unfinished', 'decideUnderWay', 'cockatiel'),
        { what: 'the decision allocates', unit: 'bytes', value: spreadOf(bytes), target: { atMost: 1 } },
        ns('the whole gate until next(), with work types, routes, deferring', 'usual'),
        ns('the whole gate until next(), without options', 'bare'),
      ];
    } finally {
      await child.end();
    }
  },
  async check() {
    const child = startChild<DecisionProcess>(script, null);
    try {
      const taken = await child.ask('compare', 40, ['decide', 'decideUnderWay', 'cockatiel', 'opossum']);
      return [
        comparison(taken, 'the decision', 'decide', 'cockatiel'),
        comparison(taken, 'the decision', 'decide', 'opossum'),
        comparison(taken, 'the decision while commits are unfinished', 'decideUnderWay', 'cockatiel'),
      ];
    } finally {
      await child.end();
    }
  },
};

type Peer = 'cockatiel' | 'opossum' | 'rateLimit';

function comparison(
  taken: Readonly<Record<Contender, number[]>>,
  what: string,
  of: Contender,
  by: Peer,
): Figure {
  return {
    what: `${what} / ${by === 'rateLimit' ? 'express-rate-limit' : by}`,
    ...{ unit: 'ratio', better: 'less', value: spreadOf(ratios(taken[of], taken[by])) },
    note: `${Math.round(medianOf(taken[of]))} ns / ${Math.round(medianOf(taken[by]))} ns`,
  };
}
