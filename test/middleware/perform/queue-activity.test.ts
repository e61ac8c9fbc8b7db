import { manualClock } from '@slackwater/test-support/manual-clock';
import { expect, it } from 'vitest';
import type { PerformerEvent } from '../../../packages/middleware/src/perform/performer-events.ts';
import { QueueActivity } from '../../../packages/middleware/src/perform/queue-activity.ts';

const nothing = { performed: 0, failed: 0, retrying: 0, postponed: 0, parked: 0 };
const event = (type: 'performed' | 'postponed' | 'canceled', partition = 'p'): PerformerEvent =>
  ({
    type,
    id: 'x',
    partition,
    workType: 'w',
    reasons: [],
    outcomeKnown: true,
    status: 200,
  }) as PerformerEvent;

it('counts what was done of a partition in the last minute, and no longer', () => {
  const clock = manualClock();
  const activity = new QueueActivity(clock);
  expect(activity.of('p')).toEqual(nothing);
  for (let second = 0; second < 30; second += 1) {
    activity.note(event('performed'));
    if (second % 10 === 0) activity.note(event('postponed'));
    activity.note(event('canceled'));
    activity.note(event('performed', 'q'));
    clock.advance(1_000);
  }
  expect(activity.of('p')).toEqual({ ...nothing, performed: 30, postponed: 3 });
  clock.advance(45_000);
  const { performed } = activity.of('p');
  expect(performed).toBeGreaterThan(0);
  expect(performed).toBeLessThan(30);
  clock.advance(30_000);
  expect(activity.of('p')).toEqual(nothing);
});

it('remembers a thousand partitions, those that were at work last', () => {
  const activity = new QueueActivity(manualClock());
  for (let n = 0; n <= 1_000; n += 1) {
    activity.note(event('performed', 'busy'));
    activity.note(event('performed', `p${n}`));
  }
  expect(activity.of('p0')).toEqual(nothing);
  expect(activity.of('busy').performed).toBe(1_001);
  expect(activity.of('p1000').performed).toBe(1);
});
