import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { refusalOf } from './refused.ts';

const engine = { name: 'test', durable: 'fsync', open: () => Promise.reject(new Error('unused')) };
const requester = (): string => 'somebody';
const result = (): object => ({ status: 200 });
const one = (options: object): object => ({ workTypes: { settle: { priority: 2, ...options } } });
const deferring = (options: object): object => ({
  engine,
  requester,
  ...one({ whenOver: 'defer', ...options }),
});

type Row = readonly [options: unknown, name: string, value: string, wayOut: string];

const invalid: readonly Row[] = [
  [null, 'options', 'null', 'give an object'],
  ['fast', 'options', '"fast" is a string', 'give an object'],
  [{ application: 'a/b' }, 'application', '"a/b"', 'letters, digits, dots'],
  [{ application: '' }, 'application', '"" is an empty string', '1 to 64'],
  [{ application: '..' }, 'application', '".."', 'beginning with a letter'],
  [{ group: 'x'.repeat(65) }, 'group', '"xxxx', '1 to 64'],
  [{ engine, groups: {} }, 'groups', 'it has 0 groups', 'give 1 to 100'],
  [{ engine, groups: 'eu' }, 'groups', '"eu" is a string', 'give an object of groups'],
  [{ engine, groups: { 'a b': {} } }, 'groups', 'a b', 'letters, digits'],
  [{ engine, groups: { eu: { ledger: { maxQueued: 0 } } } }, 'groups.eu.ledger.maxQueued', '0', 'from 1'],
  [{ engine, groups: { eu: {} }, group: 'us' }, 'group', '"us"', 'one of them: eu'],
  [{ engine, groups: { eu: {} }, groupFor: 'us' }, 'groupFor', '"us"', 'give one of groups: eu'],
  [{ engine, groups: { eu: {} }, groupFor: 7 }, 'groupFor', '7 is a number', 'give a function'],
  [
    { engine, groups: { eu: {} }, ledger: { origin: 'shop' } },
    'ledger.origin',
    'name of its own',
    'groups.<name>.ledger.origin',
  ],
  [
    { engine, groups: { eu: { ledger: { origin: 'a' } }, us: { ledger: { origin: 'a' } } }, group: 'eu' },
    'groups.us.ledger.origin',
    'groups.eu has the same',
    'name of its own',
  ],
  [deferring({ maxDelayMs: 10 }), 'workTypes.settle.maxDelayMs', '10 is a number', 'from 1,000'],
  [
    one({ maxDelayMs: 5_000 }),
    'workTypes.settle.maxDelayMs',
    '5000 where nothing is deferred',
    'leave it out',
  ],
  [{ thresholdMs: '200' }, 'thresholdMs', '"200" is a string', 'give a number of milliseconds'],
  [{ thresholdMs: -1 }, 'thresholdMs', '-1', 'from 0.001 to 3,600,000'],
  [{ thresholdMs: 0 }, 'thresholdMs', '0 is a number', 'from 0.001 to 3,600,000'],
  [{ thresholdMs: 1e12 }, 'thresholdMs', '1000000000000', 'from 0.001 to 3,600,000'],
  [{ thresholdMs: 'automatic' }, 'thresholdMs', '"automatic" is a string', 'or "auto"'],
  [one({ thresholdMs: 0 }), 'workTypes.settle.thresholdMs', '0 is a number', 'from 0.001'],
  [one({ thresholdMs: 1e12 }), 'workTypes.settle.thresholdMs', '1000000000000', 'to 3,600,000'],
  [one({ thresholdMs: Number.NaN }), 'workTypes.settle.thresholdMs', 'NaN', 'give a number'],
  [one({ exempt: true, thresholdMs: 'auto' }), 'workTypes.settle.thresholdMs', 'auto', 'never postponed'],
  [{ latency: { floorOneIn: 1 } }, 'latency.floorOneIn', '1 is a number', 'or 0 for none'],
  [{ latency: { floorOneIn: -1 } }, 'latency.floorOneIn', '-1 is a number', 'from 0'],
  [{ autoThreshold: { tolerance: 1 } }, 'autoThreshold.tolerance', '1 is a number', 'from 1.1 to 1,000'],
  [{ autoThreshold: { ceilingMs: Number.NaN } }, 'autoThreshold.ceilingMs', 'NaN', 'give a number'],
  [{ autoThreshold: { ceilingMs: 10 } }, 'autoThreshold.floorMs', '20, the default', 'give both'],
  [{ autoThreshold: { floorMs: 300 } }, 'autoThreshold.floorMs', '300', 'give both'],
  [{ autoThreshold: { warmUpMs: 0 } }, 'autoThreshold.warmUpMs', '0 is a number', 'from 1,000'],
  [{ thresholdMs: Number.NaN }, 'thresholdMs', 'NaN is not a number', 'give a number'],
  [{ thresholdMs: Number.POSITIVE_INFINITY }, 'thresholdMs', 'Infinity', 'from 0.001 to 3,600,000'],
  [{ thresholdMs: 200n }, 'thresholdMs', '200n is a bigint', 'give a number'],
  [{ thresholdMs: null }, 'thresholdMs', 'null', 'give a number'],
  [
    one({ thresholdMs: '200' }),
    'workTypes.settle.thresholdMs',
    '"200" is a string',
    'give a number of milliseconds',
  ],
  [{ workTypes: [] }, 'workTypes', '[] is an empty array', 'by name'],
  [{ workTypes: {} }, 'workTypes', 'this is an object', 'leave it out'],
  [{ workTypes: { 'a b': { priority: 1 } } }, 'workTypes["a b"]', 'a b', 'letters, digits'],
  [
    { workTypes: { settle: 200 } },
    'workTypes.settle',
    '200 is a number',
    '{ priority: 2, thresholdMs: 200 }',
  ],
  [one({ priority: 0 }), 'workTypes.settle.priority', '0', 'a whole number from 1 to 1,000'],
  [one({ priority: 1.5 }), 'workTypes.settle.priority', '1.5', 'a whole number'],
  [one({ exempt: 'yes' }), 'workTypes.settle.exempt', '"yes"', 'true or false'],
  [one({ whenOver: 'retryLater' }), 'workTypes.settle.whenOver', '"retryLater"', '"retry-later" or "defer"'],
  [
    one({ exempt: true, whenOver: 'defer' }),
    'workTypes.settle.whenOver',
    '"defer"',
    'leave out one of the two',
  ],
  [one({ deferWithoutAsking: true }), 'workTypes.settle.deferWithoutAsking', 'true', "whenOver: 'defer'"],
  [
    one({ acknowledge: 'succeeded', result }),
    'workTypes.settle.acknowledge',
    '"succeeded"',
    "whenOver: 'defer'",
  ],
  [deferring({ result }), 'workTypes.settle.result', 'nobody is answered', "acknowledge: 'succeeded'"],
  [deferring({ validate: 'sku' }), 'workTypes.settle.validate', '"sku"', 'give a function'],
  [
    { defaultWorkType: 'repot', workTypes: { report: { priority: 1 } } },
    'defaultWorkType',
    '"repot"',
    'did you mean "report"?',
  ],
  [
    { defaultWorkType: 'x', workTypes: { pay: { priority: 1 }, report: { priority: 2 } } },
    'defaultWorkType',
    '"x"',
    'pay, report',
  ],
  [{ classify: 'report' }, 'classify', '"report"', 'give a function'],
  [{ requester: 'me' }, 'requester', '"me"', 'give a function'],
  [{ partition: [] }, 'partition', '[]', 'several in an array'],
  [{ partition: ['a', 7] }, 'partition[1]', '7 is a number', 'the name of a partition'],
  [{ partition: 'x'.repeat(201) }, 'partition', '"xxx', '1 to 200 characters'],
  [{ partition: 'a\nb' }, 'partition', '"a\\nb"', '1 to 200 characters'],
  [{ captureHeaders: 'x-tenant' }, 'captureHeaders', '"x-tenant"', 'give an array'],
  [{ captureHeaders: ['x tenant'] }, 'captureHeaders[0]', '"x tenant"', 'the name of a header'],
  [{ captureHeaders: ['Authorization'] }, 'captureHeaders[0]', '"Authorization"', 'capture and restore'],
  [{ captureHeaders: ['Connection'] }, 'captureHeaders[0]', '"Connection"', 'leave it out'],
  [{ engine: '.slackwater' }, 'engine', '".slackwater"', 'sqliteEngine({ directory'],
  [{ engine: { ...engine, durable: 'maybe' } }, 'engine', 'this is an object', 'sqliteEngine'],
  [{ shareLatency: 'yes' }, 'shareLatency', '"yes"', 'true or false'],
  [{ latency: 64 }, 'latency', '64', '{ window: 64 }'],
  [{ latency: { window: 0 } }, 'latency.window', '0', '1 to 10,000'],
  [{ latency: { window: 10_001 } }, 'latency.window', '10001', '1 to 10,000'],
  [{ latency: { window: 3 } }, 'latency.minSamples', '5, the default', 'give both'],
  [{ latency: { window: 10, minSamples: 11 } }, 'latency.minSamples', '11 is more than the 10', 'give both'],
  [{ latency: { statistic: 'max' } }, 'latency.statistic', '"max"', '"median", "mean"'],
  [{ latency: { statistic: {} } }, 'latency.statistic', 'this is an object', '{ quantile: 0.9 }'],
  [{ latency: { statistic: { quantile: 90 } } }, 'latency.statistic.quantile', '90', 'from 0 to 1'],
  [{ latency: { probeEveryMs: 0 } }, 'latency.probeEveryMs', '0', 'from 10'],
  [{ ledger: { public: 'no' } }, 'ledger.public', '"no"', 'true or false'],
  [{ ledger: { origin: 'my ledger' } }, 'ledger.origin', '"my ledger"', 'without blanks'],
  [
    { ledger: { keepOutcomeMs: Number.POSITIVE_INFINITY } },
    'ledger.keepOutcomeMs',
    'Infinity',
    '315,360,000,000',
  ],
  [{ perform: { maxAttempts: 0 } }, 'perform.maxAttempts', '0', 'from 1'],
  [{ perform: { retryCapMs: 500 } }, 'perform.retryCapMs', '500', 'at least retryBaseMs'],
  [{ perform: { lookEveryMs: 40_000 } }, 'perform.lookCapMs', '30000', 'at least lookEveryMs'],
  [{ basePath: 'slackwater' }, 'basePath', '"slackwater"', 'a slash at its beginning'],
  [{ basePath: '/' }, 'basePath', '"/"', 'none at its end'],
  [{ basePath: '/a/' }, 'basePath', '"/a/"', 'none at its end'],
  [{ basePath: '/a/../b' }, 'basePath', '"/a/../b"', 'no ..'],
  [{ basePath: '/:id' }, 'basePath', '"/:id"', 'letters, digits'],
  [{ publicUrl: 'shop.example' }, 'publicUrl', '"shop.example"', 'https://shop.example'],
  [{ publicUrl: 'ftp://shop.example' }, 'publicUrl', '"ftp://', 'https://shop.example'],
  [{ publicUrl: 'https://shop.example?a=1' }, 'publicUrl', '?a=1', 'without query'],
  [{ publicUrl: 'https://shop.example/' }, 'publicUrl', '"https://shop.example/"', 'without the slash'],
  [{ publicUrl: new URL('https://shop.example') }, 'publicUrl', 'the class URL', 'https://shop.example'],
  [{ maxBodyBytes: '1mb' }, 'maxBodyBytes', '"1mb" is a string', 'a whole number of bytes'],
  [{ maxBodyBytes: 3 * 1024 * 1024 + 1 }, 'maxBodyBytes', '3145729', 'to 3,145,728'],
  [{ retryAfterCapMs: 0 }, 'retryAfterCapMs', '0', 'from 1,000'],
  [{ maxLearnedRoutes: 0 }, 'maxLearnedRoutes', '0', 'from 1'],
  [{ maxLearnedRouteAgeMs: 10 }, 'maxLearnedRouteAgeMs', '10', 'from 1,000'],
];

const unknown: readonly Row[] = [
  [{ thresold: 200 }, 'thresold', 'no such option', 'did you mean thresholdMs?'],
  [{ threshold: 200 }, 'threshold', 'no such option', 'did you mean thresholdMs?'],
  [{ window: 7 }, 'window', 'no such option', 'did you mean latency.window?'],
  [{ maxAttempts: 7 }, 'maxAttempts', 'no such option', 'did you mean perform.maxAttempts?'],
  [{ worktypes: {} }, 'worktypes', 'no such option', 'did you mean workTypes?'],
  [{ zebra: 1 }, 'zebra', 'no such option', 'known here are application, group'],
  [
    one({ treshold: 5 }),
    'workTypes.settle.treshold',
    'no such option',
    'did you mean workTypes.settle.thresholdMs?',
  ],
  [{ latency: { windw: 5 } }, 'latency.windw', 'no such option', 'did you mean latency.window?'],
  [
    { latency: { statistic: { percentile: 90 } } },
    'latency.statistic.percentile',
    'no such option',
    'quantile',
  ],
  [{ ledger: { publik: true } }, 'ledger.publik', 'no such option', 'did you mean ledger.public?'],
  [{ perform: { attempts: 3 } }, 'perform.attempts', 'no such option', 'known here are maxAttempts'],
  [{ routes: { 'GET /a': { worktype: 'a' } } }, 'routes["GET /a"].worktype', 'no such option', 'workType?'],
  [{ auth: { secret: 'x' } }, 'auth.secret', 'no such option', 'known here are key, algorithms'],
];

const missing: readonly Row[] = [
  [{ groups: { eu: {} }, group: 'eu' }, 'groups.eu.engine', 'missing', 'an engine of its own'],
  [{ engine, groups: { eu: {}, us: {} } }, 'groupFor', 'missing', "(req) => 'eu'"],
  [{ engine, groupFor: () => 'eu' }, 'groups', 'missing', 'groupFor says which'],
  [{ workTypes: { settle: {} } }, 'workTypes.settle.priority', 'missing', 'from 1, the most important'],
  [
    one({ whenOver: 'defer' }),
    'requester',
    'requester and engine are not there',
    'Deferring needs three decisions',
  ],
  [{ requester, ...one({ whenOver: 'defer' }) }, 'engine', 'engine is not there', 'sqliteEngine('],
  [
    { engine, ...one({ whenOver: 'defer' }) },
    'requester',
    'workTypes.settle.whenOver is "defer"',
    "'retry-later'",
  ],
  [deferring({ acknowledge: 'succeeded' }), 'workTypes.settle.result', 'missing', 'give a function'],
  [{ shareLatency: true }, 'engine', 'shareLatency is true', 'each host goes by what it measures itself'],
  [{ capture: () => 1 }, 'restore', 'missing', 'restore(req, captured)'],
  [{ restore: () => undefined }, 'capture', 'missing', 'capture(req)'],
];

function text(options: unknown): string {
  return (
    JSON.stringify(options, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? ''
  );
}

describe.each([
  { code: 'option-invalid', rows: invalid },
  { code: 'option-unknown', rows: unknown },
  { code: 'option-missing', rows: missing },
])('$code', ({ code, rows }) => {
  it.each(rows.map((row) => [row[1], text(row[0]).slice(0, 60), row] as const))(
    'names %s, what it is and the way out, given %s',
    (_, __, [options, name, value, wayOut]) => {
      const refusal = refusalOf(options);
      expect(refusal).toMatchObject({ code, option: name });
      expect(refusal.message.startsWith(`${name}: `)).toBe(true);
      expect(refusal.message).toContain(value);
      expect(refusal.message).toContain(wayOut);
    },
  );
});

describe('what goes together', () => {
  it('may be deferred where requester and engine are there', () => {
    const { workTypes } = resolveOptions(
      deferring({ acknowledge: 'succeeded', result, deferWithoutAsking: true, repeatable: true }),
    );
    expect(workTypes).toMatchObject([
      { whenOver: 'defer', deferWithoutAsking: true, acknowledge: 'succeeded', result, repeatable: true },
    ]);
  });

  it.each([
    [
      {
        workTypes: { a: { priority: 1, thresholdMs: 0.001 }, b: { priority: 1_000, thresholdMs: 3_600_000 } },
      },
    ],
    [{ maxBodyBytes: 0 }],
    [{ latency: { window: 1, minSamples: 1, statistic: { quantile: 1 } } }],
    [{ latency: { window: 10_000, statistic: () => 1 } }],
    [{ basePath: '/a/b-c_d.e~f' }],
    [{ publicUrl: 'http://localhost:3000/shop' }],
    [{ application: 'x'.repeat(64) }],
    [{ perform: { closeWithinMs: 0, maxOutcomeBytes: 0, routeMissingForMs: 0 } }],
  ])('is accepted at its bounds: %j', (options) => {
    const { workTypes, ...resolved } = resolveOptions(options);
    const byName = Object.fromEntries(workTypes.map((workType) => [workType.name, workType]));
    expect({ ...resolved, workTypes: byName }).toMatchObject(options);
  });
});
