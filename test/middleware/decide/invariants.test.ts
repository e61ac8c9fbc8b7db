import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Admitted } from '../../../packages/middleware/src/decide/admitted.ts';
import { ranksAhead } from '../../../packages/middleware/src/decide/work-type.ts';
import type { Commit, CommitOutcome, CommitSource } from '../../../packages/middleware/src/drivers/driver.ts';
import { exemptRank, type Host, hostOf, letGo, rank } from './host.ts';

/** Thresholds such that less important work tolerates no more latency. */
const ranks = [
  exemptRank('always'),
  rank('first', 1, 300),
  rank('second', 2, 200),
  rank('third', 2, 200),
  rank('last', 3, 100),
];
const connections = 6;
const pool: CommitSource = {
  ...{ partition: 'orders', driver: 'test', connections, completions: undefined },
  probe: undefined,
};

/** What may happen, in any order. */
type Step =
  | { readonly kind: 'ask'; readonly rank: number; readonly writes: boolean }
  | { readonly kind: 'answer'; readonly which: number; readonly outcome: CommitOutcome }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'expire' };

const outcome = fc.constantFrom<CommitOutcome>(
  'committed',
  'committed',
  'committed',
  'failed',
  'rolledBack',
  'unknown',
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('ask'), rank: fc.nat(ranks.length - 1), writes: fc.boolean() }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('answer'), which: fc.nat(30), outcome }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.oneof(fc.nat(20), fc.nat(150), fc.nat(2_000)) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire') }) },
);
const schedule = fc.array(step, { minLength: 50, maxLength: 250 });

/** A host on which things happen, and what is unfinished on it. */
class Run {
  readonly host: Host = hostOf({ ranks, sources: [pool] });
  readonly open: {
    readonly commit: Commit | undefined;
    readonly admitted: Admitted;
    readonly rank: number;
  }[] = [];

  do(step: Step): void {
    const { host, open } = this;
    switch (step.kind) {
      case 'ask': {
        const admitted = host.ask(ranks[step.rank]?.name ?? '');
        if (!admitted.perform) return;
        if (step.writes) admitted.entry.wrote('orders');
        open.push({ admitted, commit: step.writes ? host.begin() : undefined, rank: step.rank });
        return;
      }
      case 'answer': {
        const [ended] = open.splice(step.which % Math.max(1, open.length), 1);
        if (ended === undefined) return;
        if (ended.commit !== undefined) host.finish(ended.commit, step.outcome);
        letGo(ended.admitted);
        return;
      }
      case 'wait':
        host.time.advance(step.ms);
        return;
      case 'expire':
        host.time.advance(31_000);
        return;
      default:
        step satisfies never;
    }
  }
}

const runs = { numRuns: 100 };

describe('over random schedules', () => {
  it('no more important work would be refused in a state in which less important work would be admitted', () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const run = new Run();
        for (const one of steps) {
          run.do(one);
          const would = ranks.map((_, index) => run.host.admissions.wouldPerform(index, 'orders'));
          ranks.forEach((less, index) => {
            for (const ahead of ranksAhead(ranks, less, 1_000))
              expect(would[index] && !would[ranks.indexOf(ahead)]).toBe(false);
          });
          expect(would[0]).toBe(true);
        }
      }),
      runs,
    );
  });

  it('time alone, and samples that expire, open nothing', () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const run = new Run();
        for (const one of steps) {
          const before = run.host.changes.length;
          run.do(one);
          if (one.kind === 'answer') continue;
          for (const { from } of run.host.changes.slice(before)) expect(from).not.toBe('over');
        }
      }),
      runs,
    );
  });

  it('over is left only by a commit within the threshold that was begun after it was entered', () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const run = new Run();
        const overSince = new Map<string, number>();
        let lastGood: Commit | undefined;
        for (const one of steps) {
          const answered =
            one.kind === 'answer' ? run.open[one.which % Math.max(1, run.open.length)] : undefined;
          const before = run.host.changes.length;
          run.do(one);
          const { commit } = answered ?? {};
          if (commit?.outcome === 'committed') lastGood = commit;
          for (const { workType, from, to } of run.host.changes.slice(before)) {
            if (from === 'over') {
              const threshold = Number(ranks.find(({ name }) => name === workType)?.thresholdMs);
              expect(lastGood?.startedAt).toBeGreaterThanOrEqual(overSince.get(workType) ?? 0);
              expect(lastGood?.durationMs).toBeLessThanOrEqual(threshold);
            }
            if (to === 'over') overSince.set(workType, run.host.time.now());
          }
        }
      }),
      runs,
    );
  });

  it('the shares of recovering work stay below the connections there are, so that exempt work finds one', () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const run = new Run();
        for (const one of steps) {
          run.do(one);
          const shares = run.open.filter(({ admitted }) => admitted.reason === 'recovered-share');
          expect(shares.length).toBeLessThan(connections);
        }
      }),
      runs,
    );
  });

  it('exempt work is never refused', () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const run = new Run();
        for (const one of steps) {
          run.do(one);
          expect(run.host.ask('always').perform).toBe(true);
        }
      }),
      runs,
    );
  });

  it('a partition that has recovered takes everything again, whatever was before (no latch)', () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        const run = new Run();
        const { host, open } = run;
        for (const one of steps) run.do(one);
        for (const { commit, admitted } of open.splice(0)) {
          if (commit !== undefined) host.finish(commit);
          letGo(admitted);
        }
        // Everybody knocks, and whoever is let through commits in 5 ms.
        for (let at = 0; at < 12_000; at += 50) {
          for (const { name } of ranks) {
            const admitted = host.ask(name);
            if (!admitted.perform) continue;
            admitted.entry.wrote('orders');
            const commit = host.begin();
            host.time.after(5, () => {
              host.finish(commit);
              letGo(admitted);
            });
          }
          host.time.advance(50);
        }
        for (const { name } of ranks) expect(host.ask(name)).toMatchObject({ perform: true });
      }),
      { numRuns: 60 },
    );
  });
});

it('less important work whose requests hold all connections but one leaves that one to exempt work', () => {
  const host = hostOf({ ranks, sources: [pool] });
  for (let n = 0; n < 5; n++) host.commitOf(400);
  letGo(host.ask('first'));
  host.time.advance(500);
  // Good for all of them, and again and again.
  for (let n = 0; n < 4; n++) host.commitOf(5);
  expect(host.stateOf('last')).toBe('recovering');
  const through = ['last', 'third', 'second', 'first']
    .flatMap((name) => Array.from({ length: 5 }, () => host.ask(name)))
    .filter(({ perform }) => perform);
  expect(through.length).toBeGreaterThan(2);
  expect(through.length).toBeLessThan(connections);
  expect(host.ask('always').perform).toBe(true);
});

describe('with no traffic at all', () => {
  it('a recovered partition is noticed within 2 probeEveryMs, whatever was before', async () => {
    const probeEveryMs = 200;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 3_000, max: 60_000 }), fc.nat(400), async (stallMs, phaseMs) => {
        let end = Number.POSITIVE_INFINITY;
        const host: Host = hostOf({
          ranks,
          sources: [
            {
              ...pool,
              probe: () => {
                const startedAt = host.time.now();
                return new Promise((resolve) => {
                  const hangMs = Math.max(0, Math.min(end - startedAt, stallMs + 1_000));
                  host.time.after(hangMs + 1, () => resolve(host.time.now() - startedAt));
                });
              },
            },
          ],
        });
        end = stallMs + phaseMs;
        const begun = Array.from({ length: 6 }, () => host.begin());
        host.time.advance(500);
        for (const { name } of ranks) host.ask(name);
        expect(host.stateOf('first')).toBe('over');
        const settle = async (): Promise<void> => {
          for (let turn = 0; turn < 6; turn++) await null;
        };
        while (host.time.now() < end) {
          host.time.advance(Math.min(20, end - host.time.now()));
          await settle();
        }
        for (const commit of begun) host.finish(commit);
        for (let at = 0; at < 2 * probeEveryMs; at += 20) {
          host.time.advance(20);
          await settle();
        }
        expect(host.openings).not.toEqual([]);
        expect(host.stateOf('first')).not.toBe('over');
      }),
      { numRuns: 15 },
    );
  });
});
