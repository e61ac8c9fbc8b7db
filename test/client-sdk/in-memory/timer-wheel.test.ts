import { describe, expect, it } from 'vitest';
import { timerWheel } from '../../../packages/client-sdk/src/timer-wheel.ts';

/** The platform's timers, fired by hand. */
function platform(): {
  set: (delayMs: number, callback: () => void) => () => void;
  now: () => number;
  wakeUps: () => number;
  pending: () => number;
  runTo(ms: number): void;
} {
  let nowMs = 0;
  let wakeUps = 0;
  const timers = new Map<object, { atMs: number; callback: () => void }>();
  return {
    set(delayMs, callback) {
      const key = {};
      timers.set(key, { atMs: nowMs + delayMs, callback });
      return () => void timers.delete(key);
    },
    now: () => nowMs,
    wakeUps: () => wakeUps,
    pending: () => timers.size,
    runTo(ms) {
      for (;;) {
        const [first] = [...timers].sort(([, a], [, b]) => a.atMs - b.atMs);
        if (first === undefined || first[1].atMs > ms) break;
        timers.delete(first[0]);
        nowMs = first[1].atMs;
        wakeUps += 1;
        first[1].callback();
      }
      nowMs = ms;
    },
  };
}

describe('the timer wheel', () => {
  it('calls back each timer once, never early, and at most a sixty-fourth or 10 ms late', () => {
    const clock = platform();
    const setTimer = timerWheel(clock.set, clock.now);
    const firedAt = new Map<number, number>();
    const delays = [0, 1, 9, 10, 11, 99, 640, 1_001, 12_345, 120_000, 86_400_000];
    for (const delay of delays) {
      setTimer(delay, () => {
        expect(firedAt.has(delay)).toBe(false);
        firedAt.set(delay, clock.now());
      });
    }
    clock.runTo(100_000_000);
    for (const delay of delays) {
      const lateMs = (firedAt.get(delay) ?? Number.NaN) - delay;
      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThanOrEqual(Math.max(10, delay / 64));
    }
  });

  it('wakes up at most a hundred times a second, however many wait', () => {
    const clock = platform();
    const setTimer = timerWheel(clock.set, clock.now);
    let fired = 0;
    for (let i = 0; i < 10_000; i++) setTimer(30_000 + ((i * 7_919) % 1_000), () => fired++);
    expect(clock.pending()).toBe(1);
    clock.runTo(40_000);
    expect(fired).toBe(10_000);
    expect(clock.wakeUps()).toBeLessThanOrEqual(100);
  });

  it('leaves nothing behind of timers that were canceled', () => {
    const clock = platform();
    const setTimer = timerWheel(clock.set, clock.now);
    const cancels = Array.from({ length: 1_000 }, (_, i) => setTimer(i, () => expect.unreachable()));
    for (const cancel of cancels) cancel();
    for (const cancel of cancels) cancel();
    expect(clock.pending()).toBe(0);
    clock.runTo(5_000);
    expect(clock.wakeUps()).toBe(0);
  });

  it('takes a timer that is set or canceled while others fire', () => {
    const clock = platform();
    const setTimer = timerWheel(clock.set, clock.now);
    const fired: string[] = [];
    setTimer(10, () => {
      fired.push('first');
      cancelSecond();
      setTimer(0, () => fired.push('third'));
    });
    const cancelSecond = setTimer(10, () => fired.push('second'));
    clock.runTo(100);
    expect(fired).toEqual(['first', 'third']);
  });
});
