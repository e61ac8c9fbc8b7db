import { describe, expect, it } from 'vitest';
import { type HoldFacts, judgeHold } from '../../../../packages/middleware/src/perform/parts/judge-hold.ts';

type Parent = NonNullable<Extract<HoldFacts, { of: 'part' }>['parent']>;
type OfRequest = Extract<HoldFacts, { of: 'request' }>;

const performing: Parent = {
  phase: 'performing',
  status: 'Running',
  attempts: 1,
  outcomeKnown: undefined,
  error: undefined,
};
const succeeded: Parent = { ...performing, phase: 'settled', status: 'Succeeded', outcomeKnown: true };
const failed: Parent = {
  ...performing,
  phase: 'settled',
  status: 'Failed',
  error: { code: 'route-refused', message: 'The route answered 409.' },
};
const canceled: Parent = { ...failed, status: 'Canceled' };

describe('a part that an attempt at a deferral deferred', () => {
  const part = (parent: Parent | undefined, attempt = 1) => judgeHold({ of: 'part', parent, attempt });

  it.each([
    ['is being performed', performing],
    ['will be tried again', { ...performing, phase: 'retrying' }],
    ['is parked', { ...performing, phase: 'parked' }],
  ] as const)('is held while its request %s', (_, parent) => {
    expect(part(parent)).toEqual({ is: 'held' });
  });

  it('is released when its request succeeded by that attempt', () => {
    expect(part(succeeded)).toEqual({ is: 'released' });
  });

  it('is canceled when another attempt succeeded: that one deferred its own', () => {
    expect(part({ ...succeeded, attempts: 2 })).toMatchObject({
      is: 'canceled',
      error: { code: 'request-failed', message: expect.stringContaining('attempt 2 is the one') },
    });
  });

  it('is released when the work is known to be done, and not by which attempt', () => {
    expect(part({ ...succeeded, attempts: 2, outcomeKnown: false })).toEqual({ is: 'released' });
  });

  it.each([
    ['failed', failed],
    ['was canceled', canceled],
  ])('is canceled when its request %s', (_, parent) => {
    expect(part(parent)).toMatchObject({ is: 'canceled', error: { code: 'request-failed' } });
  });

  it('is released when nothing is known any more of its request', () => {
    expect(part(undefined)).toEqual({ is: 'released' });
  });
});

describe('a compensation', () => {
  const undoing = (parent: Parent | undefined) => judgeHold({ of: 'compensation', parent });

  it('is held while its request may still succeed', () => {
    expect(undoing(performing)).toEqual({ is: 'held' });
  });

  it.each([
    ['failed', failed],
    ['was canceled', canceled],
    ['is known no more', undefined],
  ])('is released when its request %s', (_, parent) => {
    expect(undoing(parent)).toEqual({ is: 'released' });
  });

  it('is canceled when its request succeeded after all', () => {
    expect(undoing(succeeded)).toMatchObject({ error: { code: 'compensation-not-needed' } });
  });
});

describe('a part of a request that is performed at once', () => {
  const early: OfRequest = {
    of: 'request',
    underWay: false,
    heldMs: 99,
    holdPartsMs: 100,
    rows: 'none',
  };
  const late = { ...early, heldMs: 100 };

  it.each(['done', 'not-done', 'none', 'unknown'] as const)(
    'is held while its own process performs it, whatever its rows say: %s',
    (rows) => {
      expect(judgeHold({ ...late, underWay: true, rows })).toEqual({ is: 'held' });
    },
  );

  it.each(['done', 'not-done', 'none'] as const)(
    'is held as long as another process may perform its request, whatever rows there are by then: %s',
    (rows) => {
      expect(judgeHold({ ...early, rows })).toEqual({ is: 'held' });
    },
  );

  it('is released after that where the rows say that its work is done', () => {
    expect(judgeHold({ ...late, rows: 'done' })).toEqual({ is: 'released' });
  });

  it('is released after that where no rows could tell: its caller may rely on it', () => {
    expect(judgeHold(late)).toEqual({ is: 'released' });
  });

  it('is canceled after that where rows would say that its work is done, and do not', () => {
    expect(judgeHold({ ...late, rows: 'not-done' })).toMatchObject({
      is: 'canceled',
      error: { code: 'request-failed', message: expect.stringContaining('none of its transactions') },
    });
  });

  it('is held while the database can not be asked', () => {
    expect(judgeHold({ ...late, rows: 'unknown' })).toEqual({ is: 'held' });
  });
});
