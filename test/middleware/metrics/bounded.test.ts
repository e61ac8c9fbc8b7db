import { describe, expect, it } from 'vitest';
import { DecisionTally } from '../../../packages/middleware/src/metrics/decision-tally.ts';
import { PartitionLabels } from '../../../packages/middleware/src/metrics/partition-labels.ts';
import { readPartitions } from '../../../packages/middleware/src/metrics/read-partitions.ts';
import type { MetricSources } from '../../../packages/middleware/src/metrics/readings.ts';

describe('labels of partitions', () => {
  it('are the names of the first so many, and other for all the rest', () => {
    const labels = new PartitionLabels(2);
    expect(labels.label(['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'other', 'other']);
    // Whoever was there first keeps the label, whatever the order of the day.
    expect(labels.label(['d', 'c', 'b', 'a'])).toEqual(['other', 'other', 'b', 'a']);
  });

  it('go to others when a partition is forgotten', () => {
    const labels = new PartitionLabels(2);
    labels.label(['a', 'b', 'c']);
    expect(labels.label(['b', 'c'])).toEqual(['b', 'c']);
    expect(labels.label(['a', 'b', 'c'])).toEqual(['other', 'b', 'c']);
  });

  it('are never more than the bound and other, however many names come by', () => {
    const labels = new PartitionLabels(10);
    const seen = new Set(labels.label(Array.from({ length: 5_000 }, (_, i) => `flood ${i}`)));
    expect(seen.size).toBe(11);
    expect(new PartitionLabels(0).label(['a'])).toEqual(['other']);
  });

  it('never make a partition that is called other seem to be one alone', () => {
    expect(new PartitionLabels(5).label(['other', 'a'])).toEqual(['other', 'a']);
  });
});

describe('what is read of partitions', () => {
  const sources = {
    workTypes: [
      { name: 'pay', exempt: true },
      { name: 'report', exempt: false },
    ],
    partitions: () => [
      { partition: 'a', valueMs: 20, samples: 3, unfinished: 1 },
      { partition: 'b', valueMs: undefined, samples: 0, unfinished: 0 },
      { partition: 'c', valueMs: 5_000, samples: 2, unfinished: 4 },
    ],
    stateOf: (_rank: number, partition: string) => (partition === 'c' ? 'over' : 'clear') as 'over' | 'clear',
    thresholdOf: () => 250,
    returnShareOf: (partition: string) => (partition === 'a' ? undefined : partition === 'b' ? 0.5 : 0.9),
  } satisfies Partial<MetricSources>;

  it('is in seconds, and the worst or the sum of those that have one label', () => {
    const read = readPartitions(sources as Partial<MetricSources> as MetricSources, new PartitionLabels(1));
    expect(read).toEqual({
      slackwater_return_success_ratio: [[0.5, 'other']],
      slackwater_latency_seconds: [
        [0.02, 'a'],
        [5, 'other'],
      ],
      slackwater_threshold_seconds: [
        [0.25, 'a', 'report'],
        [0.25, 'other', 'report'],
      ],
      slackwater_state: [
        [0, 'a', 'report'],
        [2, 'other', 'report'],
      ],
      slackwater_window_commits: [
        [3, 'a'],
        [2, 'other'],
      ],
      slackwater_unfinished_commits: [
        [1, 'a'],
        [4, 'other'],
      ],
      slackwater_partitions: [[3]],
    });
  });
});

describe('counted decisions', () => {
  it('are told by work type, decision and reason', () => {
    const tally = new DecisionTally();
    expect([...tally.list()]).toEqual([]);
    for (let i = 0; i < 3; i++) tally.count(1, 'perform', 'clear', false);
    tally.count(0, 'retry-later', 'over-threshold', true);
    tally.count(1, 'defer', 'over-threshold', false);
    tally.count(1, 'perform', 'probe', true);
    expect([...tally.list()]).toEqual([
      { rank: 0, decision: 'retry-later', reason: 'over-threshold', count: 1 },
      { rank: 1, decision: 'perform', reason: 'clear', count: 3 },
      { rank: 1, decision: 'perform', reason: 'probe', count: 1 },
      { rank: 1, decision: 'defer', reason: 'over-threshold', count: 1 },
    ]);
    expect([...tally.returns()]).toEqual([
      { rank: 0, decision: 'retry-later', count: 1 },
      { rank: 1, decision: 'perform', count: 1 },
    ]);
  });
});
