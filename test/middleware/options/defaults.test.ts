import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import {
  capturableHeaders,
  neverReplayed,
} from '../../../packages/middleware/src/perform/capturable-headers.ts';
import { performerDefaults } from '../../../packages/middleware/src/perform/performer-options.ts';
import { refusalOf } from './refused.ts';

describe('options left out', () => {
  it('leave one work type with the default threshold', () => {
    for (const options of [undefined, {}, { workTypes: undefined, thresholdMs: undefined }]) {
      expect(resolveOptions(options)).toMatchObject({
        workTypes: [
          { name: 'default', priority: 1, exempt: false, thresholdMs: 250, whenOver: 'retry-later' },
        ],
        defaultWorkType: 'default',
        routes: [],
      });
    }
  });

  it('take one threshold for all work where there are no categories (D-74)', () => {
    const { workTypes } = resolveOptions({ thresholdMs: 120.5 });
    expect(workTypes).toMatchObject([{ name: 'default', priority: 1, exempt: false, thresholdMs: 120.5 }]);
  });

  it('have the defaults that the design names', () => {
    expect(resolveOptions({})).toEqual({
      application: 'app',
      group: 'main',
      defaultGroup: 'main',
      groups: [],
      workTypes: [
        {
          name: 'default',
          priority: 1,
          exempt: false,
          thresholdMs: 250,
          whenOver: 'retry-later',
          candidates: undefined,
          deferWithoutAsking: false,
          acknowledge: 'deferred',
          whenPostponedTooLong: 'alert',
          result: undefined,
          compensate: undefined,
          validate: undefined,
          repeatable: false,
          shadow: false,
        },
      ],
      defaultWorkType: 'default',
      routes: [],
      classify: undefined,
      partition: undefined,
      requester: undefined,
      requesterClass: undefined,
      metrics: new Map(),
      metricEveryMs: 500,
      forecast: { periodMs: 86_400_000, bucketMs: 300_000, maxPartitions: 100 },
      scorers: new Map(),
      scorerTimeoutMs: 50,
      scorerFacts: undefined,
      capture: undefined,
      restore: undefined,
      shareLatency: false,
      explain: 'off',
      keepDecisions: 0,
      captureHeaders: [],
      engine: undefined,
      latency: {
        window: 64,
        minSamples: 5,
        maxSampleAgeMs: 30_000,
        commitTimeoutMs: 30_000,
        statistic: 'median',
        probeEveryMs: 200,
        probeTimeoutMs: 2_000,
        floorOneIn: 20,
        maxPartitions: 10_000,
      },
      autoThreshold: { tolerance: 4, floorMs: 20, ceilingMs: 250, warmUpMs: 10_000 },
      ledger: {
        public: true,
        origin: undefined,
        keepOutcomeMs: 604_800_000,
        maxQueued: 1_000_000,
        engineTimeoutMs: 1_000,
        encrypt: 'all',
        indexDirectory: undefined,
      },
      parts: new Map(),
      failureAlerts: [
        { task: undefined, count: 10, windowMs: 300_000 },
        { task: undefined, count: 100, windowMs: 60_000 },
      ],
      monitors: new Map(),
      perform: performerDefaults,
      auth: undefined,
      basePath: '/slackwater',
      publicUrl: undefined,
      maxBodyBytes: 1_048_576,
      retryAfterCapMs: 30_000,
      maxLearnedRoutes: 1_000,
      maxLearnedRouteAgeMs: 3_600_000,
    });
  });

  it('keep their defaults beside those that are given', () => {
    const { latency, ledger, perform } = resolveOptions({
      latency: { window: 7, statistic: { quantile: 0.9 } },
      ledger: { origin: 'shop.example/ledger' },
      perform: { maxAttempts: 3 },
    });
    expect(latency).toMatchObject({ window: 7, minSamples: 5, statistic: { quantile: 0.9 } });
    expect(ledger).toMatchObject({ public: true, origin: 'shop.example/ledger' });
    expect(perform).toEqual({ ...performerDefaults, maxAttempts: 3 });
  });
});

describe('options that are given', () => {
  it('are handed on untouched where they are functions', () => {
    const fns = {
      classify: () => 'default',
      partition: () => ['a', 'b'],
      requester: () => 'u',
      capture: () => 1,
      restore: () => undefined,
    };
    expect(resolveOptions(fns)).toMatchObject(fns);
  });

  it('do not change with what they were made of', () => {
    const partition = ['a'];
    const captureHeaders = ['X-Tenant', 'x-tenant'];
    const options = { partition, captureHeaders, workTypes: { a: { priority: 1 } } };
    const resolved = resolveOptions(options);
    partition.push('b');
    captureHeaders.push('x-more');
    options.workTypes.a.priority = 2;
    expect(resolved).toMatchObject({
      partition: ['a'],
      captureHeaders: ['x-tenant'],
      workTypes: [{ priority: 1 }],
    });
  });

  it('may name every header but those that a replay never carries', () => {
    for (const name of neverReplayed) {
      expect(refusalOf({ captureHeaders: ['x-tenant', name.toUpperCase()] })).toMatchObject({
        code: 'option-invalid',
        message: expect.stringContaining(`captureHeaders[1]: "${name.toUpperCase()}"`),
      });
    }
    const allowed = [...capturableHeaders].slice(0, 20).concat('x-tenant', 'x-api-version');
    expect(resolveOptions({ captureHeaders: allowed }).captureHeaders).toEqual(allowed);
  });
});
