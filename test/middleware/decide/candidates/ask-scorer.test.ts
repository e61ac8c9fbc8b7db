import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import { ScorerAsker } from '../../../../packages/middleware/src/decide/candidates/ask-scorer.ts';
import type { ScorerFacts } from '../../../../packages/middleware/src/scorers/scorer.ts';

const facts = {} as ScorerFacts;

function asking(score: () => unknown) {
  const clock = manualClock();
  const troubles: unknown[] = [];
  let asked = 0;
  const asker = new ScorerAsker({
    clock,
    scorers: new Map([
      [
        'one',
        {
          score: () => {
            asked += 1;
            return score() as never;
          },
        },
      ],
    ]),
    timeoutMs: 50,
    onTrouble: (_, error) => troubles.push(error),
  });
  return { clock, troubles, ask: () => asker.ask('one', facts), askedTimes: () => asked };
}

const unreadable = {
  get score(): number {
    throw new Error('not for you');
  },
};

describe('a scorer (B-19)', () => {
  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['gives nothing', () => undefined],
    ['gives a bare number', () => 0.5],
    ['gives a score that is none', () => ({ score: Number.NaN })],
    ['gives what can not be read', () => unreadable],
    ['promises what can not be read', async () => unreadable],
    [
      'gives what can not even be looked at',
      () =>
        new Proxy(
          {},
          {
            get: () => {
              throw new Error('no');
            },
          },
        ),
    ],
  ])('is left out where it %s, and is told of once', async (_, score) => {
    const { ask, troubles } = asking(score);
    expect(await ask()).toBeUndefined();
    expect(await ask()).toBeUndefined();
    expect(troubles).toHaveLength(1);
  });

  it('is left out where it is late, left alone for a second, and asked again', async () => {
    const { ask, askedTimes, clock, troubles } = asking(() => new Promise(() => {}));
    const late = ask();
    clock.advance(50);
    expect(await late).toBeUndefined();
    clock.advance(999);
    expect(await ask()).toBeUndefined();
    expect(askedTimes()).toBe(1);
    clock.advance(1);
    void ask();
    expect([askedTimes(), troubles.length]).toEqual([2, 1]);
  });

  it('is asked again at once where it answers after all', async () => {
    let answer: (value: unknown) => void = () => {};
    const { ask, askedTimes, clock } = asking(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const late = ask();
    clock.advance(50);
    expect(await late).toBeUndefined();
    answer({ defer: true });
    await new Promise((resolve) => setImmediate(resolve));
    void ask();
    expect(askedTimes()).toBe(2);
  });

  it('says what can stand in a record, and nothing more', async () => {
    const long = 'x'.repeat(300);
    const { ask } = asking(() => ({
      score: 1,
      label: '\ud800',
      defer: 'yes',
      version: long,
      ruleId: long,
      secret: 1,
    }));
    expect(await ask()).toEqual({
      score: 1,
      label: '\ufffd',
      version: 'x'.repeat(100),
      ruleId: 'x'.repeat(200),
    });
  });
});
