import { rulesScorer } from '@slackwater/middleware/rules';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { factsWith, patience, type ScratchFile, scratchFile } from './scoring.ts';

const whenLarge = { all: [{ fact: 'bodyBytes', operator: 'greaterThan', value: 1_000 }] };
const rules = [
  { name: 'large', conditions: whenLarge, event: { type: 'defer' } },
  {
    name: 'pool is busy',
    priority: 5,
    conditions: { any: [{ fact: 'metrics', path: '$.poolWaiters', operator: 'greaterThan', value: 3 }] },
    event: { type: 'score', params: { score: 0.8 } },
  },
  {
    name: 'gold',
    priority: 9,
    conditions: { all: [{ fact: 'own', path: '$.plan', operator: 'equal', value: 'gold' }] },
    event: { type: 'perform' },
  },
  {
    name: 'night',
    conditions: { not: { fact: 'hour', operator: 'lessThan', value: 22 } },
    event: { type: 'label', params: { label: 'later' } },
  },
];

let scratch: ScratchFile | undefined;
afterEach(() => scratch?.remove());

function scorerOf(content: unknown, onTrouble: (error: unknown) => void = () => {}) {
  scratch = scratchFile(content);
  return rulesScorer({ file: scratch.file, reloadEveryMs: 10, onTrouble });
}

describe('rules as data (B-17)', () => {
  it('say yes, a number or a word, and name the rule that fired and their version (B-18)', async () => {
    const scorer = scorerOf({ version: '7', rules });
    const version = '7';
    expect(await scorer.score(factsWith())).toEqual({ defer: false, version });
    expect(await scorer.score(factsWith({ bodyBytes: 2_000 }))).toEqual({
      defer: true,
      version,
      ruleId: 'large',
    });
    expect(await scorer.score(factsWith({ metrics: { poolWaiters: 4 } }))).toEqual({
      score: 0.8,
      version,
      ruleId: 'pool is busy',
    });
    expect(await scorer.score(factsWith({ hour: 23 }))).toEqual({ label: 'later', version, ruleId: 'night' });
  });

  it('count by their priority, and of equal ones the first', async () => {
    const scorer = scorerOf(rules);
    const all = factsWith({ bodyBytes: 2_000, hour: 23, metrics: { poolWaiters: 4 }, own: { plan: 'gold' } });
    expect(await scorer.score(all)).toMatchObject({ defer: false, ruleId: 'gold' });
    expect(await scorer.score(factsWith({ bodyBytes: 2_000, hour: 23 }))).toMatchObject({ ruleId: 'large' });
  });

  it('are changed without code, while they are in use', async () => {
    const scorer = scorerOf({ version: '1', rules });
    const large = factsWith({ bodyBytes: 2_000 });
    expect(await scorer.score(large)).toMatchObject({ defer: true, version: '1' });
    scratch?.write({
      version: '2',
      rules: [{ ...rules[0], name: 'large is fine', event: { type: 'perform' } }],
    });
    await vi.waitFor(async () => {
      expect(await scorer.score(large)).toEqual({ defer: false, version: '2', ruleId: 'large is fine' });
    }, patience);
  });

  it('stay as they were where the changed file can not be used, and somebody hears of it once', async () => {
    const troubles: unknown[] = [];
    const scorer = scorerOf({ version: '1', rules }, (error) => troubles.push(error));
    scratch?.write('{ "rules": [');
    await vi.waitFor(async () => {
      await scorer.score(factsWith());
      expect(troubles).toHaveLength(1);
    }, patience);
    expect(await scorer.score(factsWith({ bodyBytes: 2_000 }))).toMatchObject({ defer: true, version: '1' });
  });

  it.each<[string, unknown, RegExp]>([
    ['no JSON', 'rules: none', /JSON/],
    ['no list', { rules: 5 }, /list of rules/],
    ['a rule without a name', [{ ...rules[0], name: undefined }], /rule 0 has no name/],
    ['two of one name', [rules[0], rules[0]], /two rules are called "large"/],
    [
      'an event of no meaning',
      [{ ...rules[0], event: { type: 'explode' } }],
      /"large": event\.type is one of defer/,
    ],
    [
      'a score that is none',
      [{ ...rules[0], event: { type: 'score', params: { score: 'high' } } }],
      /params\.score/,
    ],
    [
      'an operator that does not exist',
      [{ ...rules[0], conditions: { all: [{ fact: 'hour', operator: 'over', value: 3 }] } }],
      /"over" is no operator/,
    ],
    ['no conditions', [{ ...rules[0], conditions: {} }], /begin with "all"/],
    ['null', null, /list of rules/],
  ])('are refused where they can not be meant: %s', (_, content, message) => {
    expect(() => scorerOf(content)).toThrow(
      expect.objectContaining({ code: 'option-invalid', message: expect.stringMatching(message) }),
    );
  });

  it('need a file that is there, and options that exist', () => {
    expect(() => rulesScorer({ file: '/nowhere/rules.json' })).toThrow(/can't be used: ENOENT/);
    expect(() => rulesScorer({ path: 'rules.json' } as never)).toThrow(/knows no option path/);
    expect(() => rulesScorer({ file: 'x', reloadEveryMs: 0 })).toThrow(/reloadEveryMs: 0/);
  });
});
