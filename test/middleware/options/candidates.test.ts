import { sqliteEngine } from '@slackwater/middleware';
import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { refusalOf } from './refused.ts';

const ofSettle = (settle: object, more: object = {}): object => ({
  workTypes: { settle: { priority: 2, ...settle } },
  ...more,
});
const deferring = {
  requester: () => 'ann',
  engine: sqliteEngine({ directory: 'never opened' }),
};
const ofDeferred = (settle: object, more: object = {}): object =>
  ofSettle({ whenOver: 'defer', ...settle }, { ...deferring, ...more });

describe('candidates', () => {
  it('are left to the latency of commits where nothing is said, and then nothing more is asked', () => {
    expect(resolveOptions(ofSettle({})).workTypes[0]?.candidates).toBeUndefined();
  });

  it('are criteria as plain data, as they stand in a file', () => {
    const file = JSON.stringify({
      any: [
        { requesterClass: ['free'] },
        { metric: 'commitLatencyMs' },
        { metric: 'jobsWaiting', over: 10 },
        { forecast: 'commits', over: 50, withinMs: 60_000 },
        { unavailable: true },
        { scorer: 'risk', labels: ['later'] },
      ],
    });
    const given = ofSettle(
      { candidates: JSON.parse(file) },
      {
        requesterClass: () => 'free',
        metrics: { jobsWaiting: () => 0 },
        scorers: { risk: { score: () => ({ label: 'later' }) } },
      },
    );
    const policy = resolveOptions(given).workTypes[0]?.candidates;
    expect(policy).toMatchObject({ mode: 'any', neverDeferFor: [] });
    expect(policy?.criteria).toHaveLength(6);
    expect(policy?.criteria[3]).toEqual({
      forecast: 'commits',
      over: 50,
      withinMs: 60_000,
      probability: 0.5,
    });
  });

  it.each<[string, object, string, RegExp]>([
    [
      'a word',
      ofSettle({ candidates: 'often' }),
      'option-invalid',
      /^workTypes\.settle\.candidates: "often" .*'always'/,
    ],
    ['a list', ofSettle({ candidates: [] }), 'option-invalid', /\{ any: \[\.\.\.\] \}/],
    ['no criterion', ofSettle({ candidates: { any: [] } }), 'option-invalid', /names no criterion/],
    [
      'both',
      ofSettle({ candidates: { any: [{ unavailable: true }], all: [{ unavailable: true }] } }),
      'option-invalid',
      /both any and all/,
    ],
    [
      'a kind that does not exist',
      ofSettle({ candidates: { any: [{ latency: 5 }] } }),
      'option-invalid',
      /candidates\.any\[0\]: .*no kind/,
    ],
    [
      'two kinds in one',
      ofSettle({ candidates: { any: [{ unavailable: true, metric: 'rssBytes' }] } }),
      'option-invalid',
      /metric and unavailable at once/,
    ],
    [
      'unavailable: false',
      ofSettle({ candidates: { any: [{ unavailable: false }] } }),
      'option-invalid',
      /false is a boolean; give true/,
    ],
    [
      'a metric without a figure',
      ofSettle({ candidates: { any: [{ metric: 'poolWaiters' }] } }),
      'option-missing',
      /over: missing; poolWaiters/,
    ],
    [
      'a figure that is a text',
      ofSettle({ candidates: { any: [{ metric: 'poolWaiters', over: '5' }] } }),
      'option-invalid',
      /over: "5" is a string/,
    ],
    [
      'a figure that is none',
      ofSettle({ candidates: { any: [{ metric: 'poolWaiters', over: Number.NaN }] } }),
      'option-invalid',
      /NaN is not a number/,
    ],
    [
      'a metric that nobody measures',
      ofSettle({ candidates: { any: [{ metric: 'poolWaiter', over: 5 }] } }),
      'option-invalid',
      /did you mean "poolWaiters"\?/,
    ],
    [
      'a scorer that is not there',
      ofSettle({ candidates: { any: [{ scorer: 'risk' }] } }),
      'option-invalid',
      /"risk" is no scorer; there are none/,
    ],
    [
      'a probability in percent',
      ofSettle({ candidates: { any: [{ forecast: 'requests', over: 5, withinMs: 1, probability: 80 }] } }),
      'option-invalid',
      /probability: 80 .*from 0 to 1/,
    ],
    [
      'a forecast without an interval',
      ofSettle({ candidates: { any: [{ forecast: 'requests', over: 5 }] } }),
      'option-missing',
      /withinMs: missing/,
    ],
    [
      'classes that nobody tells',
      ofSettle({ candidates: { any: [{ requesterClass: ['free'] }] } }),
      'option-missing',
      /^requesterClass: missing; workTypes\.settle\.candidates/,
    ],
    [
      'a class that is no list',
      ofSettle({ candidates: { any: [{ requesterClass: 'free' }] } }, { requesterClass: () => '' }),
      'option-invalid',
      /"free" is a string; give an array/,
    ],
    [
      'candidates of exempt work',
      ofSettle({ exempt: true, candidates: 'always' }),
      'option-invalid',
      /exempt/,
    ],
    [
      'always where nothing is deferred',
      ofSettle({ candidates: 'always' }),
      'option-invalid',
      /come back.*whenOver: 'defer'/,
    ],
    [
      'never where nothing is deferred',
      ofSettle({ neverDeferFor: ['gold'] }),
      'option-invalid',
      /neverDeferFor: given where nothing is deferred/,
    ],
    [
      'never for classes that nobody tells',
      ofDeferred({ neverDeferFor: ['gold'] }),
      'option-missing',
      /^requesterClass: missing/,
    ],
    [
      'an own metric by a name that is taken',
      { metrics: { heapShare: () => 1 } },
      'option-invalid',
      /metrics\.heapShare: the gate measures/,
    ],
    [
      'an own metric that is a number',
      { metrics: { jobs: 5 } },
      'option-invalid',
      /metrics\.jobs: 5 is a number; give a function/,
    ],
    [
      'a scorer that is a function',
      { scorers: { risk: () => 1 } },
      'option-invalid',
      /scorers\.risk: .*method score\(facts\)/,
    ],
    ['a name that is none', { scorers: { 'a b': { score: () => 1 } } }, 'option-invalid', /letters/],
    [
      'buckets that do not fit',
      { forecast: { periodMs: 86_400_000, bucketMs: 50_000_000 } },
      'option-invalid',
      /forecast\.bucketMs: .*whole buckets/,
    ],
    ['a time limit of nothing', { scorerTimeoutMs: 0 }, 'option-invalid', /scorerTimeoutMs: 0/],
  ])('are refused with what was likely meant: %s', (_, options, code, message) => {
    expect(refusalOf(options)).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
