import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../packages/middleware/src/ledger/deferral.ts';
import type { AttemptEnd } from '../../../packages/middleware/src/perform/attempt.ts';
import { lookDelayMs, retryDelayMs } from '../../../packages/middleware/src/perform/back-off.ts';
import {
  afterItem,
  afterTrouble,
  type Drain,
  firstDrain,
  mayBegin,
  mayClaim,
  released,
} from '../../../packages/middleware/src/perform/drain.ts';
import { judgeResult } from '../../../packages/middleware/src/perform/judge-result.ts';
import {
  atOnce,
  firstPace,
  type Pace,
  paceAfter,
  paceAfterTrouble,
  restMs,
} from '../../../packages/middleware/src/perform/pace.ts';
import { type AttemptFacts, planAttempt } from '../../../packages/middleware/src/perform/plan-attempt.ts';
import type { ReplayResult } from '../../../packages/middleware/src/perform/replay.ts';
import { createRoom } from '../../../packages/middleware/src/perform/room.ts';
import { createTurns } from '../../../packages/middleware/src/perform/turns.ts';

const facts = (more: Partial<AttemptFacts>): AttemptFacts => ({
  attempts: 0,
  maxAttempts: 10,
  rows: [],
  knownTransactions: undefined,
  repeatable: false,
  ...more,
});
const row = (ordinal: number) => ({ ordinal, tombstone: false });
const tombstone = { ordinal: 0, tombstone: true };

describe('what to do with a deferral, by its completion rows', () => {
  it('is to perform it where there are none', () => {
    expect(planAttempt(facts({}))).toEqual({ do: 'perform', firstOrdinal: 0 });
    expect(planAttempt(facts({ attempts: 9 }))).toEqual({ do: 'perform', firstOrdinal: 0 });
  });

  it('is to give it up after the last attempt', () => {
    expect(planAttempt(facts({ attempts: 10 }))).toEqual({ do: 'give-up' });
  });

  it('is to settle it as done where they are as many as the route takes, never to perform it again (B-49)', () => {
    expect(planAttempt(facts({ rows: [row(0)] }))).toEqual({ do: 'settle-as-done' });
    expect(planAttempt(facts({ rows: [row(0)], attempts: 10 }))).toEqual({ do: 'settle-as-done' });
    expect(planAttempt(facts({ rows: [row(0), row(1)], knownTransactions: 2 }))).toEqual({
      do: 'settle-as-done',
    });
    expect(planAttempt(facts({ rows: [row(3)], knownTransactions: 1, repeatable: true }))).toEqual({
      do: 'settle-as-done',
    });
  });

  it('is to park it where it was interrupted between transactions', () => {
    expect(planAttempt(facts({ rows: [row(0)], knownTransactions: 2 }))).toMatchObject({
      do: 'park',
      error: { code: 'interrupted-between-transactions' },
    });
  });

  it('is to repeat it behind the rows there are where the route may be repeated, but not without end', () => {
    const interrupted = facts({
      rows: [row(0), row(4)],
      knownTransactions: 3,
      repeatable: true,
      attempts: 2,
    });
    expect(planAttempt(interrupted)).toEqual({ do: 'perform', firstOrdinal: 5 });
    expect(planAttempt({ ...interrupted, attempts: 10 })).toMatchObject({ do: 'park' });
  });

  it('is to settle it as shut out where a tombstone is all there is', () => {
    expect(planAttempt(facts({ rows: [tombstone] }))).toEqual({ do: 'settle-as-shut-out' });
    expect(planAttempt(facts({ rows: [tombstone], attempts: 10 }))).toEqual({ do: 'settle-as-shut-out' });
  });

  it('is never to perform a route that may not be repeated and has a row', () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.array(fc.record({ ordinal: fc.nat(9), tombstone: fc.boolean() }), { minLength: 1 }),
        fc.option(fc.nat(5), { nil: undefined }),
        (attempts, rows, knownTransactions) => {
          expect(planAttempt(facts({ attempts, rows, knownTransactions })).do).not.toBe('perform');
        },
      ),
    );
  });
});

describe('what a result means', () => {
  const outcome = (status: number): Outcome => ({ status, headers: [], body: new Uint8Array() });
  const answer = (status: number): ReplayResult => ({ kind: 'answered', outcome: outcome(status) });

  it.each([200, 201, 204, 302, 304])('%i: performed, with its outcome', (status) => {
    expect(judgeResult(answer(status), false)).toEqual({ is: 'performed', outcome: outcome(status), status });
  });

  it.each([400, 401, 404, 409, 422])('%i: failed for good, with its outcome', (status) => {
    expect(judgeResult(answer(status), false)).toMatchObject({
      is: 'refused',
      outcome: outcome(status),
      error: { code: 'route-refused' },
    });
  });

  it.each([408, 425, 429, 500, 502, 503, 504])('%i: tried again, unless the rows say otherwise', (status) => {
    expect(judgeResult(answer(status), false)).toMatchObject({
      is: 'uncertain',
      outcome: outcome(status),
      error: { code: 'route-failed' },
    });
  });

  it('of an answer that is too long: performed all the same', () => {
    const tooLarge = (status: number) => judgeResult({ kind: 'answered-too-large', status }, false);
    expect(tooLarge(200)).toEqual({ is: 'performed', outcome: undefined, status: 200 });
    expect(tooLarge(404)).toMatchObject({ is: 'refused', outcome: undefined });
    expect(tooLarge(500)).toMatchObject({ is: 'uncertain', outcome: undefined });
  });

  it('of no answer: tried again, unless the rows say otherwise', () => {
    expect(judgeResult({ kind: 'timed-out' }, false)).toMatchObject({
      is: 'uncertain',
      error: { code: 'attempt-timed-out' },
    });
    expect(judgeResult({ kind: 'broken', message: 'x' }, false)).toMatchObject({
      is: 'uncertain',
      error: { code: 'route-failed' },
    });
  });

  it('of an answer given although the work was another attempt’s: not believed', () => {
    expect(judgeResult(answer(200), true)).toMatchObject({ is: 'uncertain', outcome: undefined });
    expect(judgeResult(answer(409), true)).toMatchObject({ is: 'uncertain', outcome: undefined });
  });

  it('of a route that is missing: perhaps another process has it; of an attempt that was refused: parked', () => {
    expect(judgeResult({ kind: 'route-missing' }, false)).toMatchObject({
      is: 'elsewhere',
      error: { code: 'route-missing' },
    });
    const error = { code: 'identity-not-restored', message: 'x' } as const;
    expect(judgeResult({ kind: 'refused', error }, false)).toEqual({ is: 'parked', error });
  });
});

describe('waiting', () => {
  it('doubles from attempt to attempt up to its cap, and is spread over all of it', () => {
    const longest = [1, 2, 3, 9, 10, 1e9].map((attempt) => retryDelayMs(attempt, 1_000, 300_000, 1));
    expect(longest).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
    expect(retryDelayMs(3, 1_000, 300_000, 0)).toBe(0);
    expect(retryDelayMs(3, 1_000, 300_000, 0.5)).toBe(2_000);
  });

  it('of a postponed item doubles from look to look up to its cap', () => {
    expect([0, 1, 2, 4, 5, 99].map((times) => lookDelayMs(times, 1_000, 30_000))).toEqual([
      1_000, 2_000, 4_000, 16_000, 30_000, 30_000,
    ]);
  });
});

describe('the pace of a partition', () => {
  const times = (count: number, from: Pace, strain: number): Pace =>
    Array.from({ length: count }).reduce<Pace>((pace) => paceAfter(pace, 'well', 8, strain), from);

  it('begins with one, grows by one with each round of successes up to its maximum, and halves at trouble', () => {
    expect(atOnce(firstPace)).toBe(1);
    expect(atOnce(times(1, firstPace, 0))).toBe(2);
    expect(atOnce(times(2, firstPace, 0))).toBe(2);
    expect(atOnce(times(3, firstPace, 0))).toBe(3);
    expect(atOnce(times(5, firstPace, 0))).toBe(3);
    expect(atOnce(times(6, firstPace, 0))).toBe(4);
    const pace = times(40, firstPace, 0);
    expect(pace.limit).toBe(8);
    expect(paceAfter(pace, 'idle', 8).limit).toBe(8);
    expect(paceAfter(pace, 'badly', 8).limit).toBe(4);
    expect(paceAfter(pace, { heldForMs: 200 }, 8).limit).toBe(4);
    const troubled = paceAfterTrouble(paceAfterTrouble(pace));
    expect(troubled).toEqual({ limit: 2, troubles: 2 });
    expect(paceAfterTrouble(firstPace).limit).toBe(1);
    expect(paceAfter(troubled, 'well', 8)).toEqual({ limit: 2.5, troubles: 0 });
  });

  it('follows the latency: it stays as it is where half of what is tolerated is reached, and gives way before the rest is', () => {
    const pace = times(40, firstPace, 0);
    expect(times(10, pace, 0.6).limit).toBe(8);
    // A round under strain takes a third away.
    expect(times(8, pace, 0.9).limit).toBeCloseTo(5.6, 0);
    expect(times(20, firstPace, 0.6).limit).toBe(1);
  });

  it('goes below one at a time, with a rest after each, and comes back', () => {
    const strained = times(200, firstPace, 2);
    expect(strained.limit).toBe(1 / 32);
    expect(atOnce(strained)).toBe(1);
    expect(restMs(strained, 10)).toBeCloseTo(310);
    expect(restMs(firstPace, 10)).toBe(0);
    expect(paceAfter(strained, 'badly', 8).limit).toBe(1 / 32);
    expect(times(20, strained, 0).limit).toBeGreaterThan(1);
  });
});

describe('the drain of a partition', () => {
  const options = { maxConcurrency: 8, lookEveryMs: 1_000, lookCapMs: 30_000 };
  const ended = (drain: Drain, end: AttemptEnd, now: number): Drain =>
    afterItem(drain, { end, strain: 0, tookMs: 10 }, options, now);

  it('is held where an item was turned away, at least for 10 ms and at most for a look, and halved once for all of one claim', () => {
    const at4 = { ...firstDrain, pace: { limit: 4, troubles: 0 } };
    const turned = ended(at4, { heldForMs: 200 }, 100);
    expect(turned).toEqual({ pace: { limit: 2, troubles: 0 }, heldUntil: 300 });
    expect(ended(turned, { heldForMs: 200 }, 150)).toEqual({
      pace: { limit: 2, troubles: 0 },
      heldUntil: 350,
    });
    expect(ended(at4, { heldForMs: 0 }, 100).heldUntil).toBe(110);
    expect(ended(at4, { heldForMs: 60_000 }, 100).heldUntil).toBe(1_100);
    expect(mayBegin(turned, 0, 299)).toBe(0);
    expect(mayBegin(turned, 0, 300)).toBe(2);
    expect(mayBegin(released(turned), 1, 101)).toBe(1);
  });

  it('rests after each item below one at a time, and longer with each trouble of the engine', () => {
    const slow = { ...firstDrain, pace: { limit: 1 / 4, troubles: 0 } };
    expect(ended(slow, 'well', 0).heldUntil).toBe(10);
    expect(ended(slow, 'idle', 0).heldUntil).toBe(firstDrain.heldUntil);
    const once = afterTrouble(firstDrain, options, 0);
    expect(once.heldUntil).toBe(1_000);
    expect(afterTrouble(once, options, 1_000).heldUntil).toBe(3_000);
  });

  it('claims one while it begins, and from then on three for each that may be at work', () => {
    expect(mayClaim(firstDrain, 0, 0)).toBe(1);
    expect(mayClaim(firstDrain, 1, 0)).toBe(0);
    const at3 = { ...firstDrain, pace: { limit: 3.5, troubles: 0 } };
    expect(mayClaim(at3, 0, 0)).toBe(9);
    expect(mayClaim({ ...at3, heldUntil: 5 }, 0, 4)).toBe(0);
  });
});

describe('turns at a partition', () => {
  it('are taken in order, as many at once as pace and room allow', async () => {
    let atOnce = 1;
    const room = createRoom(2);
    const turns = createTurns(() => atOnce, room);
    const entered: string[] = [];
    const enter = (name: string) => turns.enter().then(() => entered.push(name));
    const waiting = ['a', 'b', 'c', 'd'].map(enter);
    await waiting[0];
    expect(entered).toEqual(['a']);
    atOnce = 3;
    turns.look();
    await waiting[1];
    expect([entered, turns.taken]).toEqual([['a', 'b'], 2]);
    // Two are all that the room has, whoever leaves.
    atOnce = 1;
    turns.leave();
    expect(turns.taken).toBe(1);
    turns.leave();
    await waiting[2];
    atOnce = 2;
    turns.look();
    await waiting[3];
    expect(entered).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('the room for deferrals under way', () => {
  it('is never overdrawn, and is offered to those who waited, in turn', () => {
    const room = createRoom(3);
    const told: string[] = [];
    expect(room.take(2, () => told.push('a'))).toBe(2);
    expect(room.take(5, () => told.push('b'))).toBe(1);
    const c = () => told.push('c');
    expect(room.take(1, c)).toBe(0);
    expect(room.take(1, c)).toBe(0);
    expect(room.take(1, () => told.push('d'))).toBe(0);
    room.give(1);
    expect(told).toEqual(['c']);
    room.give(2);
    expect(told).toEqual(['c', 'd']);
    expect(room.take(9, () => {})).toBe(3);
  });
});
