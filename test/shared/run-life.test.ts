import { createHash } from 'node:crypto';
import { canonicalJson, type LedgerEntry, type OperationBlock, type OperationStep } from '@slackwater/shared';
import { describe, expect, it } from 'vitest';
import { LedgerRuns } from '../../packages/shared/src/ledger-runs.ts';

const digest = createHash('sha256').update('').digest('base64');
const pointer = { name: 'f', version: '1', digest };

function block(stage: number, of: number, before?: OperationBlock): OperationBlock {
  return {
    id: `block ${stage}`,
    operation: 'trip',
    version: '1',
    stage,
    parallel: 16,
    ...(before === undefined
      ? { first: true }
      : { previous: createHash('sha256').update(canonicalJson(before)).digest('base64') }),
    ...(stage + 1 < of ? { next: `block ${stage + 1}` } : { last: true }),
    tasks: ['a', 'b'].map((name) => ({
      ...{ id: `${name}${stage}`, inputs: [], outputs: [], run: pointer, timeoutMs: 1, retries: 0 },
      ...(name === 'a' && { rollback: pointer }),
    })),
    checks: [],
  };
}

type Said = readonly [type: LedgerEntry['type'], step?: Partial<OperationStep>];
const first = block(0, 2);
const second = block(1, 2, first);
const plan: readonly Said[] = [first, second].map((one) => ['stage-planned', { block: one }]);
const run = (stage: number): readonly Said[] => [
  ...['a', 'b'].map(
    (name): Said => ['task-begun', { blockId: `block ${stage}`, task: `${name}${stage}`, attempt: 1 }],
  ),
  ...['a', 'b'].map(
    (name): Said => ['task-ended', { task: `${name}${stage}`, attempt: 1, end: 'succeeded' }],
  ),
];
const check = (stage: number, valid: boolean): Said => [
  'stage-checked',
  { blockId: `block ${stage}`, valid },
];
const undo = (stage: number): readonly Said[] => [
  ['undo-begun', { blockId: `block ${stage}`, task: `a${stage}`, attempt: 1 }],
  ['undo-ended', { blockId: `block ${stage}`, task: `a${stage}`, attempt: 1, end: 'succeeded' }],
];
const settled = (result: 'succeeded' | 'undone'): Said => ['operation-settled', { result }];
const whole: readonly Said[] = [
  ...plan,
  ...run(0),
  check(0, true),
  ...run(1),
  check(1, true),
  settled('succeeded'),
];
const back: readonly Said[] = [
  ...[...plan, ...run(0), check(0, true), ...run(1), check(1, false)],
  ...[...undo(1), ...undo(0), settled('undone')],
];

function judged(said: readonly Said[], rememberSettled = 100): readonly [number, string | undefined][] {
  const runs = new LedgerRuns({}, rememberSettled);
  const nowhere = { method: '', route: '', workType: '', partition: '', requester: '', reasons: [] };
  const common = {
    v: 1,
    id: 'run',
    at: '2026-05-01T12:00:00.000Z',
    group: '',
    application: '',
    ...nowhere,
  } as const;
  return said.flatMap(([type, step], at): [number, string | undefined][] => {
    const wrong = runs.entry({ ...common, type, step: { token: 1, ...step } });
    return wrong === undefined ? [] : [[at, wrong.fault]];
  });
}

describe('the life of a run', () => {
  it('has nothing wrong with it where it goes forward, or back, in its order', () => {
    expect(judged(whole)).toEqual([]);
    expect(judged(back)).toEqual([]);
    expect(judged([['operation-taken', { token: 2 }]])).toEqual([]);
    expect(judged([...whole, ['operation-taken', { token: 2 }]])).toEqual([]);
    expect(judged([...plan, ['operation-canceled'], settled('undone')])).toEqual([]);
  });

  it('counts nothing that an overtaken process says', () => {
    const taken: Said = ['operation-taken', { token: 2 }];
    const newer = (said: readonly Said[]): readonly Said[] =>
      said.map(([type, step]) => [type, { ...step, token: 2 }]);
    expect(
      judged([...plan, ...run(0), taken, ...run(1), check(1, false), ...newer([check(0, true), ...run(1)])]),
    ).toEqual([]);
  });

  const cases: readonly (readonly [string, readonly Said[], string])[] = [
    ['begins without a plan', [...run(0)], 'run-never-planned'],
    [
      'has a block that the one before does not name',
      [
        ['stage-planned', { block: first }],
        ['stage-planned', { block: { ...second, id: 'other' } }],
      ],
      'run-chain-broken',
    ],
    [
      'has a block that was changed after the next was made',
      [
        ['stage-planned', { block: { ...first, parallel: 1 } }],
        ['stage-planned', { block: second }],
      ],
      'run-chain-broken',
    ],
    [
      'is planned after it began',
      [...plan, ...run(0), ['stage-planned', { block: second }]],
      'run-chain-broken',
    ],
    ['begins a later stage first', [...plan, ...run(1)], 'run-out-of-order'],
    [
      'begins the next stage before the one before was checked',
      [...plan, ...run(0), ...run(1)],
      'run-out-of-order',
    ],
    [
      'passes a stage of which a task did not run',
      [...plan, ...run(0).filter(([, step]) => step?.task !== 'b0'), check(0, true)],
      'run-out-of-order',
    ],
    [
      'goes on after a stage that failed',
      [...plan, ...run(0), check(0, false), ...run(1)],
      'run-out-of-order',
    ],
    ['undoes what did not fail', [...plan, ...run(0), ...undo(0)], 'run-out-of-order'],
    ['undoes an earlier stage before a later one', [...back.slice(0, -5), ...undo(0)], 'run-out-of-order'],
    [
      'is settled as done before its last stage passed',
      [...whole.slice(0, -2), settled('succeeded')],
      'run-out-of-order',
    ],
    [
      'is settled as undone with a task that is not',
      [...back.slice(0, -3), settled('undone')],
      'run-out-of-order',
    ],
    ['goes on after it was settled', [...whole, ...run(1)], 'run-settled-otherwise'],
  ];

  it.each(cases)('is a fault where it %s', (_, said, expected) => {
    expect(judged(said)[0]?.[1]).toBe(expected);
  });

  it('is forgotten when it was settled long ago, and then not judged', () => {
    expect(judged([...whole, ...run(1)], 0)).toEqual([]);
  });
});
