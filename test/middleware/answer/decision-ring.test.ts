import { describe, expect, it } from 'vitest';
import { DecisionRing } from '../../../packages/middleware/src/answer/decision-ring.ts';
import type { DecisionEvent } from '../../../packages/middleware/src/options/gate-events.ts';

const event = (workType: string, more: Partial<DecisionEvent> = {}): DecisionEvent => ({
  decision: 'perform',
  method: 'POST',
  route: '/orders/:id',
  workType,
  partition: 'orders',
  reasons: ['clear'],
  ...more,
});

const names = (ring: DecisionRing, filter = {}): readonly string[] =>
  ring.list(filter).map(({ workType }) => workType);

describe('recent decisions', () => {
  it('are kept up to a bound, and shown from the newest on', () => {
    const ring = new DecisionRing(3);
    expect(names(ring)).toEqual([]);
    for (const name of ['a', 'b']) ring.add(event(name), 0);
    expect(names(ring)).toEqual(['b', 'a']);
    for (const name of ['c', 'd', 'e', 'f', 'g']) ring.add(event(name), 0);
    expect(names(ring)).toEqual(['g', 'f', 'e']);
    expect(names(ring, { limit: 2 })).toEqual(['g', 'f']);
  });

  it('can be asked for by partition, work type and decision', () => {
    const ring = new DecisionRing(10);
    ring.add(event('a', { partition: 'stock' }), 0);
    ring.add(event('b', { decision: 'defer' }), 0);
    ring.add(event('b', { partition: undefined }), 0);
    expect(names(ring, { partition: 'stock' })).toEqual(['a']);
    expect(names(ring, { workType: 'b' })).toEqual(['b', 'b']);
    expect(names(ring, { workType: 'b', decision: 'defer' })).toEqual(['b']);
    expect(names(ring, { partition: 'stock', decision: 'defer' })).toEqual([]);
  });

  it('have their time, and are not kept where none are to be', () => {
    const ring = new DecisionRing(1);
    ring.add(event('a'), Date.UTC(2026, 10, 21));
    expect(ring.list()[0]?.at).toBe('2026-11-21T00:00:00.000Z');
    const none = new DecisionRing(0);
    none.add(event('a'), 0);
    expect([none.keeps, none.list()]).toEqual([false, []]);
  });
});
