import { modelScorer } from '@slackwater/middleware';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Facts, predict, sigmoid } from '../../../packages/middleware/src/scorers/logistic.ts';
import { type Example, trainLogistic } from '../../../packages/middleware/src/scorers/train-logistic.ts';
import { factsWith, patience, type ScratchFile, scratchFile } from './scoring.ts';

let scratch: ScratchFile | undefined;
afterEach(() => scratch?.remove());

const model = {
  v: 1,
  kind: 'logistic-regression',
  version: '2026-05-01-a',
  intercept: -1,
  features: [
    { from: 'metrics.poolWaiters', kind: 'number', mean: 4, deviation: 2, weight: 3 },
    { from: 'workType', kind: 'category', weights: { report: 2, order: -0.5 } },
  ],
};

describe('a model as a file of weights (B-16)', () => {
  it('gives a probability, and its version', () => {
    scratch = scratchFile(model);
    const scorer = modelScorer({ file: scratch.file });
    const facts = factsWith({ workType: 'report', metrics: { poolWaiters: 6 } });
    expect(scorer.score(facts)).toEqual({ score: sigmoid(-1 + 3 + 2), version: '2026-05-01-a' });
  });

  it('weighs nothing that is not known, or was never learned from', () => {
    scratch = scratchFile(model);
    const scorer = modelScorer({ file: scratch.file });
    for (const workType of ['other', 'constructor', '__proto__']) {
      expect(scorer.score(factsWith({ workType }))).toMatchObject({ score: sigmoid(-1) });
    }
  });

  it('is taken anew when its file changes', async () => {
    scratch = scratchFile(model);
    const scorer = modelScorer({ file: scratch.file, reloadEveryMs: 10, onTrouble() {} });
    scorer.score(factsWith());
    scratch.write({ ...model, version: 'b', intercept: 50 });
    await vi.waitFor(() => {
      expect(scorer.score(factsWith())).toEqual({ score: expect.closeTo(1), version: 'b' });
    }, patience);
  });

  it.each<[string, unknown, RegExp]>([
    ['another kind', { ...model, kind: 'forest' }, /no model/],
    ['no version', { ...model, version: '' }, /"version"/],
    ['an intercept that is a text', { ...model, intercept: '1' }, /"intercept"/],
    [
      'a deviation of nothing',
      { ...model, features: [{ from: 'hour', kind: 'number', mean: 1, deviation: 0, weight: 1 }] },
      /features\[0\]/,
    ],
    ['null', null, /no model/],
  ])('is refused with what is wrong with it: %s', (_, content, message) => {
    scratch = scratchFile(content);
    const { file } = scratch;
    expect(() => modelScorer({ file })).toThrow(
      expect.objectContaining({ code: 'option-invalid', message: expect.stringMatching(message) }),
    );
  });
});

/** Numbers that look random, and are the same each time. */
function* numbers(): Generator<number> {
  for (let seed = 1; ; ) {
    seed = (seed * 48_271) % 2_147_483_647;
    yield seed / 2_147_483_647;
  }
}

function examples(count: number, labelOf: (facts: Facts, noise: number) => boolean): Example[] {
  const random = numbers();
  const next = (): number => random.next().value ?? 0;
  return Array.from({ length: count }, () => {
    const facts = {
      workType: next() < 0.5 ? 'report' : 'order',
      hour: Math.floor(24 * next()),
      metrics: { poolWaiters: 10 * next(), commitLatencyMs: 300 + 50 * next() },
    };
    return { facts, label: labelOf(facts, next()) };
  });
}

describe('training', () => {
  const names = {
    numbers: ['metrics.poolWaiters', 'metrics.commitLatencyMs', 'metrics.none'],
    categories: ['workType', 'hour', 'none'],
  };
  const waiters = (facts: Facts): number => (facts['metrics'] as { poolWaiters: number }).poolWaiters;

  it('finds what decides, in numbers and in words', () => {
    const decides = (facts: Facts): boolean => waiters(facts) > 5 && facts['workType'] === 'report';
    const trained = trainLogistic(examples(1_000, decides), names);
    const unseen = examples(2_000, decides).slice(1_000);
    const right = unseen.filter(({ facts, label }) => predict(trained, facts) > 0.5 === label).length;
    expect(right / unseen.length).toBeGreaterThan(0.9);
  });

  it('gives probabilities that are as frequent as they say', () => {
    const chance = (facts: Facts): number => sigmoid(waiters(facts) - 5);
    const trained = trainLogistic(
      examples(2_000, (facts, noise) => noise < chance(facts)),
      names,
    );
    for (const poolWaiters of [2, 5, 8]) {
      const facts = { workType: 'order', hour: 3, metrics: { poolWaiters, commitLatencyMs: 325 } };
      expect(Math.abs(predict(trained, facts) - chance(facts))).toBeLessThan(0.15);
    }
  });

  it('gives the same model of the same examples, and leaves out what does not vary', () => {
    const some = examples(300, (facts) => waiters(facts) > 5);
    expect(trainLogistic(some, names)).toEqual(trainLogistic(some, names));
    const froms = trainLogistic(some, names).features.map(({ from }) => from);
    expect(froms).not.toContain('metrics.none');
    expect(froms).not.toContain('none');
  });
});
