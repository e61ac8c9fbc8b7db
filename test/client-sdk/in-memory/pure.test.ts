import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leastPollMs, pollWaitMs } from '../../../packages/client-sdk/src/deferral/pace.ts';
import {
  absoluteUrl,
  deferralIdOf,
  trustedUrl,
} from '../../../packages/client-sdk/src/deferral/status-url.ts';
import { redact } from '../../../packages/client-sdk/src/errors/redact.ts';
import { retryBudget } from '../../../packages/client-sdk/src/retry/budget.ts';
import { decideRetry, type Failure } from '../../../packages/client-sdk/src/retry/decide.ts';
import { retryWaitMs } from '../../../packages/client-sdk/src/retry/delay.ts';
import { longestTimerMs } from '../../../packages/client-sdk/src/runtime.ts';

const pace = { backoffBaseMs: 200, backoffMaxMs: 10_000, retryAfterCapMs: 30_000 };
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const asked = fc.option(fc.double({ min: 0, max: Number.MAX_SAFE_INTEGER, noNaN: true }), { nil: undefined });

describe('waits', () => {
  it('are never shorter than asked up to the cap, never negative, and never more than a timer takes (D-71)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), asked, chance, (retry, askedMs, random) => {
        const waitMs = retryWaitMs(pace, retry, askedMs, random);
        expect(waitMs).toBeGreaterThanOrEqual(Math.min(askedMs ?? 0, pace.retryAfterCapMs));
        expect(waitMs).toBeLessThanOrEqual(pace.retryAfterCapMs + pace.backoffMaxMs);
        expect(waitMs).toBeLessThan(longestTimerMs);
      }),
    );
  });

  it('between status requests are at least 100 ms and never shorter than asked up to the cap (D-72)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000 }), asked, chance, (silent, askedMs, random) => {
        const waitMs = pollWaitMs(pace, silent, askedMs, random);
        expect(waitMs).toBeGreaterThanOrEqual(
          Math.max(leastPollMs, Math.min(askedMs ?? 0, pace.retryAfterCapMs)),
        );
        expect(waitMs).toBeLessThanOrEqual(pace.retryAfterCapMs * 1.1);
      }),
    );
  });

  it('grow even where the server asks for none, so that nobody retries in a busy loop', () => {
    expect([1, 2, 3, 4].map((retry) => retryWaitMs(pace, retry, 0, 0.5))).toEqual([100, 200, 400, 800]);
  });
});

describe('the retry budget (D-71)', () => {
  it('is full at first, and earned again by calls and by time', () => {
    const budget = retryBudget(2, 0);
    expect([budget.withdraw(0), budget.withdraw(0), budget.withdraw(0)]).toEqual([true, true, false]);
    for (let call = 0; call < 6; call++) budget.deposit();
    expect([budget.withdraw(0), budget.withdraw(0)]).toEqual([true, false]);
    expect(budget.withdraw(500)).toBe(true);
    expect([budget.withdraw(60_000), budget.withdraw(60_000), budget.withdraw(60_000)]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('the decision to repeat (D-71)', () => {
  const answered = (changes: Partial<Extract<Failure, { kind: 'answered' }>>): Failure => ({
    kind: 'answered',
    status: 503,
    askedMs: 1_000,
    fromSlackwater: false,
    code: undefined,
    recorded: undefined,
    lane: undefined,
    ...changes,
  });
  const post = { method: 'POST', keyed: true, serverKeepsKeys: false, answerLostBefore: false };

  it('repeats a POST only where it is known not to be done twice', () => {
    expect(decideRetry({ kind: 'not-sent' }, post).action).toBe('retry');
    expect(decideRetry({ kind: 'answer-lost' }, post)).toMatchObject({ reason: 'unsafe-to-repeat' });
    expect(decideRetry({ kind: 'answer-lost' }, { ...post, serverKeepsKeys: true }).action).toBe('retry');
    expect(
      decideRetry({ kind: 'answer-lost' }, { ...post, serverKeepsKeys: true, keyed: false }).action,
    ).toBe('stop');
    expect(decideRetry(answered({}), post)).toMatchObject({ reason: 'unsafe-to-repeat' });
    expect(
      decideRetry(answered({ fromSlackwater: true, recorded: false }), { ...post, keyed: false }).action,
    ).toBe('retry');
    expect(decideRetry(answered({ fromSlackwater: true }), { ...post, keyed: false }).action).toBe('stop');
  });

  it('repeats nothing that is permanent', () => {
    expect(decideRetry({ kind: 'permanent' }, { ...post, method: 'GET' })).toEqual({
      action: 'stop',
      reason: 'final',
    });
  });

  it('repeats a 429 of any method where it says when, and of safe ones where it does not', () => {
    expect(decideRetry(answered({ status: 429 }), { ...post, keyed: false }).action).toBe('retry');
    expect(decideRetry(answered({ status: 429, askedMs: undefined }), post).action).toBe('stop');
    expect(
      decideRetry(answered({ status: 429, askedMs: undefined }), { ...post, method: 'GET' }).action,
    ).toBe('retry');
  });
});

describe('status URLs', () => {
  const base = new URL('https://api.example/v1/orders?x=1');

  it('are resolved against the request, and lose what is not theirs', () => {
    expect(trustedUrl('/slackwater/deferrals/x?capability=c#f', base, []).href).toBe(
      'https://api.example/slackwater/deferrals/x?capability=c',
    );
    expect(trustedUrl('https://u:p@api.example/x', base, []).href).toBe('https://api.example/x');
  });

  it.each([
    'http://api.example/x',
    'https://api.example:8443/x',
    'https://api.example.evil/x',
    '\\\\evil.example/x',
    'javascript:1',
  ])('of another origin are refused: %s', (location) => {
    expect(() => trustedUrl(location, base, [])).toThrow(
      expect.objectContaining({ code: 'status-url-foreign' }),
    );
  });

  it('tell their deferral, by their path only', () => {
    expect(deferralIdOf('/slackwater/deferrals/01JQ0000000000000000000001?x')).toBe(
      '01JQ0000000000000000000001',
    );
    expect(deferralIdOf('/x?y=/deferrals/01JQ0000000000000000000001')).toBeUndefined();
    expect(deferralIdOf('/deferrals/7')).toBeUndefined();
  });

  it('need a base where they are relative', () => {
    expect(absoluteUrl('/x', 'https://api.example/v1').href).toBe('https://api.example/x');
    expect(() => absoluteUrl('/x')).toThrow(expect.objectContaining({ code: 'parameter-invalid' }));
  });

  it('are shown without their capability', () => {
    expect(redact('GET https://a/b?capability=secret&x=1 and capability=other')).toBe(
      'GET https://a/b?capability=[redacted]&x=1 and capability=[redacted]',
    );
  });
});
