import type { Because, ReasonCode } from '@slackwater/shared';
import { describe, expect, it } from 'vitest';
import {
  type CandidateVerdict,
  judgeCandidate,
} from '../../../../packages/middleware/src/decide/candidates/judge.ts';
import type { CandidatePolicy, Criterion } from '../../../../packages/middleware/src/options/candidates.ts';

interface Known {
  readonly because?: Because;
  readonly classUnknown?: boolean;
  readonly latency?: ReasonCode;
  readonly neverDeferFor?: readonly string[];
  readonly leftOut?: readonly ReasonCode[];
}

function judged(
  mode: CandidatePolicy['mode'],
  criteria: readonly Criterion[],
  { because = {}, classUnknown = false, latency, neverDeferFor = [], leftOut = [] }: Known,
): CandidateVerdict {
  return judgeCandidate({ mode, criteria, neverDeferFor }, { classUnknown, because, leftOut }, latency);
}

const waiters = (value: number): Because => ({ metrics: { poolWaiters: { value, over: 5 } } });
const overFive: Criterion = { metric: 'poolWaiters', over: 5 };
const free: Criterion = { requesterClass: ['free', 'trial'] };
const rush: Criterion = { forecast: 'requests', over: 100, withinMs: 60_000, probability: 0.6 };
const predicted = (probability: number): Because => ({
  forecasts: [{ forecast: 'requests', withinMs: 60_000, perSecond: 120, over: 100, probability }],
});

/** Each criterion with what makes it fire, its neighbour that does not, and the reason. */
const criteria: readonly [string, Criterion, Known, Known, ReasonCode][] = [
  [
    'a class (B-11)',
    free,
    { because: { requesterClass: 'trial' } },
    { because: { requesterClass: 'paid' } },
    'requester-class',
  ],
  [
    'a metric over its figure (B-12)',
    overFive,
    { because: waiters(6) },
    { because: waiters(5) },
    'metric-over',
  ],
  [
    'the latency of commits (D-30)',
    { metric: 'commitLatencyMs' },
    { latency: 'recovering' },
    {},
    'recovering',
  ],
  [
    'a forecast (B-13)',
    rush,
    { because: predicted(0.6) },
    { because: predicted(0.59) },
    'workload-predicted',
  ],
  [
    'a database out of reach (B-14)',
    { unavailable: true },
    { because: { unreachable: 'refused' } },
    {},
    'database-unreachable',
  ],
  [
    'a score (B-16)',
    { scorer: 'risk', over: 0.7 },
    { because: { scores: { risk: { score: 0.71 } } } },
    { because: { scores: { risk: { score: 0.7 } } } },
    'scored',
  ],
  [
    'a label (B-18)',
    { scorer: 'risk', labels: ['later', 'night'] },
    { because: { scores: { risk: { label: 'night' } } } },
    { because: { scores: { risk: { label: 'now' } } } },
    'scored',
  ],
  [
    'a yes (B-18)',
    { scorer: 'risk' },
    { because: { scores: { risk: { defer: true } } } },
    { because: { scores: { risk: { defer: false } } } },
    'scored',
  ],
];

describe('a request is a candidate by', () => {
  it.each(criteria)('%s alone, and not by its neighbour', (_, criterion, fires, doesNot, reason) => {
    for (const mode of ['any', 'all'] as const) {
      expect(judged(mode, [criterion], fires)).toMatchObject({ candidate: true, fired: [reason] });
      expect(judged(mode, [criterion], doesNot)).toMatchObject({ candidate: false, fired: [] });
      expect(judged(mode, [criterion], {})).toMatchObject({ candidate: false });
    }
  });

  it('always, where its work type says so (B-44)', () => {
    expect(judged('always', [], {})).toMatchObject({ candidate: true, fired: ['always-defer'] });
  });

  it('every two of them together: any needs one, all needs both, and the reasons are all that fired (B-15)', () => {
    for (const [, one, fires, doesNot, reason] of criteria) {
      for (const [, other, otherFires, otherDoesNot, otherReason] of criteria) {
        if (one === other || ('scorer' in one && 'scorer' in other)) continue;
        const given = (a: Known, b: Known): Known => ({
          ...a,
          ...b,
          because: { ...a.because, ...b.because },
        });
        if ('metric' in one && 'metric' in other) continue;
        const both = given(fires, otherFires);
        expect(judged('any', [one, other], both)).toMatchObject({
          candidate: true,
          fired: [reason, otherReason],
        });
        expect(judged('all', [one, other], both)).toMatchObject({
          candidate: true,
          fired: [reason, otherReason],
        });
        const half = given(fires, otherDoesNot);
        expect(judged('any', [one, other], half)).toMatchObject({ candidate: true, fired: [reason] });
        expect(judged('all', [one, other], half)).toMatchObject({ candidate: false });
        expect(judged('any', [one, other], given(doesNot, otherDoesNot))).toMatchObject({ candidate: false });
      }
    }
  });

  it('whatever remains where something could not be asked, which does not speak for it (B-19)', () => {
    const leftOut: readonly ReasonCode[] = ['scorer-unavailable'];
    const known = { because: waiters(9), leftOut };
    const scored: Criterion = { scorer: 'risk', over: 0 };
    expect(judged('any', [scored], { leftOut })).toMatchObject({ candidate: false, notes: leftOut });
    expect(judged('any', [scored, overFive], known)).toMatchObject({
      candidate: true,
      fired: ['metric-over'],
      notes: leftOut,
    });
    expect(judged('all', [scored, overFive], known)).toMatchObject({ candidate: false, notes: leftOut });
  });
});

describe('a class of requesters that is never deferred (B-40)', () => {
  it.each(criteria)('is none for %s (B-41)', (_, criterion, fires) => {
    const known = {
      ...fires,
      because: { requesterClass: 'gold', ...fires.because },
      neverDeferFor: ['gold', 'trial'],
    };
    for (const mode of ['any', 'all', 'always'] as const) {
      expect(judged(mode, [criterion], known)).toMatchObject({
        candidate: false,
        excluded: true,
        fired: [],
        notes: ['never-defer-class'],
      });
    }
  });

  it('is taken to be there where the class can not be told, and leaves all others alone', () => {
    const unknown = { classUnknown: true, neverDeferFor: ['gold'] };
    expect(judged('always', [], unknown)).toMatchObject({
      excluded: true,
      notes: ['requester-class-unknown'],
    });
    expect(
      judged('always', [], { because: { requesterClass: 'free' }, neverDeferFor: ['gold'] }),
    ).toMatchObject({
      candidate: true,
      excluded: false,
    });
    expect(judged('any', [overFive], { because: waiters(6), classUnknown: true })).toMatchObject({
      candidate: true,
      notes: ['requester-class-unknown'],
    });
  });
});

describe('what fired', () => {
  it('passes by itself, unless it is a class, a score or a rule without end', () => {
    const because: Because = { requesterClass: 'free', scores: { risk: { defer: true } }, ...waiters(6) };
    expect(judged('any', [free, { scorer: 'risk' }], { because }).passes).toBe(false);
    expect(judged('always', [], {}).passes).toBe(false);
    expect(judged('any', [free, overFive], { because }).passes).toBe(true);
    expect(judged('any', [{ metric: 'commitLatencyMs' }], { latency: 'over-threshold' }).passes).toBe(true);
  });
});
