import {
  createProblem,
  type DeferralResource,
  errorCodes,
  isDeferralResource,
  isProblem,
  isRetryLaterProblem,
  parseDeferralResource,
  parseProblem,
  problemKinds,
} from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anything, hostileValues, unreadable } from './hostile.ts';

const retryLater = {
  ...createProblem('retry-later', 'Commits on this partition take 400 ms.'),
  recorded: false,
  retryable: true,
  retryAfterMs: 1500,
  partition: 'p-1',
  workType: 'report',
  reasons: ['over-threshold'],
};

describe('problem documents', () => {
  it('name their code in their type, and have one title and status each', () => {
    expect(createProblem('not-found', 'There is no such deferral.')).toEqual({
      type: 'urn:slackwater:problem:not-found',
      title: 'Not found',
      status: 404,
      detail: 'There is no such deferral.',
      code: 'not-found',
    });
    for (const code of Object.keys(problemKinds)) expect(errorCodes).toContain(code);
  });

  it('are recognised as text and as JSON', () => {
    expect(parseProblem(JSON.stringify(retryLater))).toEqual(retryLater);
    expect(parseProblem(retryLater)).toBe(retryLater);
    expect(isRetryLaterProblem(retryLater)).toBe(true);
    expect(isRetryLaterProblem(createProblem('not-found', ''))).toBe(false);
  });

  it('are recognised with codes and members of a newer server', () => {
    expect(
      isProblem({ ...retryLater, code: 'new-code', type: 'urn:slackwater:problem:new-code', more: 1 }),
    ).toBe(true);
  });

  it('ask to repeat with the same key only, where the fate of the record is unknown', () => {
    const unknown = {
      ...retryLater,
      ...createProblem('record-fate-unknown', ''),
      recorded: 'unknown',
      id: '01J',
    };
    expect(isRetryLaterProblem(unknown)).toBe(true);
  });

  it.each([
    ['type', 'about:blank'],
    ['type', 'urn:slackwater:problem:not-found'],
    ['type', undefined],
    ['title', 1],
    ['status', '503'],
    ['status', 99],
    ['status', 503.5],
    ['detail', null],
    ['code', ''],
    ['code', ['retry-later']],
  ])('are not recognised with %s %j', (member, value) => {
    expect(isProblem({ ...retryLater, [member]: value })).toBe(false);
  });

  it.each([
    ['recorded', true],
    ['recorded', undefined],
    ['retryable', 'true'],
    ['retryAfterMs', -1],
    ['retryAfterMs', Number.NaN],
    ['retryAfterMs', '1500'],
    ['partition', 1],
    ['reasons', 'over-threshold'],
    ['reasons', [1]],
  ])('do not ask to retry later with %s %j', (member, value) => {
    expect(isRetryLaterProblem({ ...retryLater, [member]: value })).toBe(false);
  });

  it('are nowhere in anything else', () => {
    for (const value of hostileValues) {
      expect(parseProblem(value)).toBeUndefined();
      expect(isRetryLaterProblem(value)).toBe(false);
    }
    expect(isProblem(unreadable(retryLater))).toBe(false);
    expect(isProblem(Object.create(retryLater))).toBe(false);
    expect(parseProblem('['.repeat(1_000_000))).toBeUndefined();
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), anything), (value) => parseProblem(value) === undefined),
    );
  });
});

const resource: DeferralResource = {
  id: '01JTX0000000000000000000E7',
  status: 'Failed',
  phase: 'settled',
  application: 'shop',
  group: 'default',
  workType: 'settle',
  partition: 'payments',
  createdAt: '2026-05-01T12:00:00.000Z',
  updatedAt: '2026-05-01T12:00:07.300Z',
  estimatedAt: '2026-05-01T12:00:07Z',
  deadlineAt: '2026-05-01T13:00:00.000Z',
  attempts: 1,
  postponements: 0,
  portion: 'all',
  durable: 'fsync',
  outcomeKnown: true,
  error: { code: 'route-failed', message: 'The route answered 500.' },
  resourceLocation: '/slackwater/deferrals/01JTX0000000000000000000E7/outcome?capability=x',
  receipt: 'c2sp.org/tlog-proof@v1\n',
  entry: 'e30=',
  salt: 'AAAA',
};

const optional = ['estimatedAt', 'deadlineAt', 'outcomeKnown', 'error'];

describe('deferral resources', () => {
  it('are recognised, and given back as they are', () => {
    expect(parseDeferralResource(resource)).toBe(resource);
    expect(isDeferralResource(resource)).toBe(true);
    expect(isDeferralResource({ ...resource, more: 1 })).toBe(true);
  });

  it.each(Object.keys(resource))(
    'need their member %s, unless it is optional, and name it when it is wrong',
    (member) => {
      const { [member as 'id']: _, ...without } = resource;
      expect(isDeferralResource(without)).toBe(optional.includes(member));
      for (const value of [null, {}, [], '\u0000', -1, Number.NaN, true]) {
        if (member === 'outcomeKnown' && value === true) continue;
        if (
          value === '\u0000' &&
          ['application', 'group', 'workType', 'partition', 'resourceLocation', 'receipt'].includes(member)
        )
          continue;
        const wrong = { ...resource, [member]: value };
        expect(isDeferralResource(wrong), String(value)).toBe(false);
        expect(() => parseDeferralResource(wrong)).toThrow(
          expect.objectContaining({
            code: 'response-malformed',
            message: expect.stringContaining(`"${member}"`),
          }),
        );
      }
    },
  );

  it.each([
    ['id', '01jtx0000000000000000000e7'],
    ['id', '81JTX0000000000000000000E7'],
    ['id', '01JTX000000000000000000E7'],
    ['status', 'running'],
    ['phase', 'done'],
    ['portion', 'some'],
    ['durable', 'memory'],
    ['createdAt', '2026-05-01 12:00:00Z'],
    ['createdAt', '2026-05-01T12:00:00+02:00'],
    ['createdAt', '2026-13-01T12:00:00Z'],
    ['attempts', 1.5],
    ['attempts', 2 ** 53],
    ['error', { code: 'route-failed' }],
    ['entry', 'e30'],
    ['salt', 'A-A='],
    ['resourceLocation', ''],
  ])('are refused with %s %j', (member, value) => {
    expect(isDeferralResource({ ...resource, [member]: value })).toBe(false);
  });

  it('are nowhere in anything else', () => {
    const refused = expect.objectContaining({ code: 'response-malformed' });
    for (const value of [...hostileValues, unreadable(resource), Object.create(resource) as unknown]) {
      expect(isDeferralResource(value)).toBe(false);
      expect(() => parseDeferralResource(value)).toThrow(refused);
    }
    fc.assert(fc.property(anything, (value) => !isDeferralResource(value)));
  });
});
