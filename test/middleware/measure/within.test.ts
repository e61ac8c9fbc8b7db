import { manualClock } from '@slackwater/test-support/manual-clock';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Commit, CommitOutcome } from '../../../packages/middleware/src/drivers/driver.ts';
import { LatencyTable } from '../../../packages/middleware/src/measure/latency-table.ts';
import type { Statistic } from '../../../packages/middleware/src/measure/latency-value.ts';

const step = fc.oneof(
  fc.record({
    kind: fc.constant('begin' as const),
    isExplicit: fc.boolean(),
    backMs: fc.integer({ min: -50, max: 50 }),
  }),
  fc.record({
    kind: fc.constant('finish' as const),
    which: fc.nat(20),
    outcome: fc.constantFrom<CommitOutcome>('committed', 'failed', 'unknown', 'rolledBack'),
    toldMs: fc.option(fc.integer({ min: 0, max: 400 })),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 300 }) }),
);

const statistic = fc.constantFrom<Statistic>(
  'median',
  'mean',
  { quantile: 0.9 },
  (samples) => 2 * Math.max(...samples),
);

it('what the latency table says is surely within a time is so, whatever commits do and however time goes by', () => {
  let sure = 0;
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      statistic,
      fc.integer({ min: 0, max: 500 }),
      (steps, by, ms) => {
        const clock = manualClock();
        const table = new LatencyTable({
          ...{ clock, window: 8, minSamples: 2, maxSampleAgeMs: 500, commitTimeoutMs: 400 },
          statistic: by,
        });
        const begun: Commit[] = [];
        for (const next of steps) {
          if (next.kind === 'wait') clock.advance(next.ms);
          else if (next.kind === 'begin') {
            const commit: Commit = {
              partition: 'orders',
              kind: next.isExplicit ? 'explicit' : 'autocommit',
              startedAt: clock.now() - next.backMs,
              context: undefined,
              durationMs: 0,
              outcome: undefined,
            };
            begun.push(commit);
            table.begin(commit);
          } else {
            const [commit] = begun.splice(next.which % Math.max(1, begun.length), 1);
            if (commit === undefined) continue;
            commit.durationMs = next.toldMs ?? Math.max(0, clock.now() - commit.startedAt);
            commit.outcome = next.outcome;
            table.finish(commit);
          }
          // Before the value is asked for, which brings the table up to date.
          if (!table.isWithin('orders', ms)) continue;
          sure += 1;
          const valueMs = table.valueOf('orders');
          expect(Number.isNaN(valueMs) || valueMs <= ms).toBe(true);
        }
      },
    ),
    { numRuns: 400 },
  );
  expect(sure).toBeGreaterThan(200);
});
