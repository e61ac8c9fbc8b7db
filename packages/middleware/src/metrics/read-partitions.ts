import type { Mode } from '../decide/mode.ts';
import type { MetricName } from './definitions.ts';
import type { PartitionLabels } from './partition-labels.ts';
import type { LabeledValue, MetricSources } from './readings.ts';

const states: Readonly<Record<Mode['kind'], number>> = { clear: 0, recovering: 1, over: 2 };

type ByPartition = Pick<
  Record<MetricName, readonly LabeledValue[]>,
  | 'slackwater_return_success_ratio'
  | 'slackwater_latency_seconds'
  | 'slackwater_threshold_seconds'
  | 'slackwater_state'
  | 'slackwater_window_commits'
  | 'slackwater_unfinished_commits'
  | 'slackwater_partitions'
>;

/** The values of all metrics by partition. What shares a label is put together: the worst of it, or the sum. */
export function readPartitions(
  { partitions, workTypes, stateOf, thresholdOf, returnShareOf }: MetricSources,
  labels: PartitionLabels,
): ByPartition {
  const rows = [...partitions()];
  const named = labels.label(rows.map(({ partition }) => partition));
  const latency = new Merged(Math.max);
  const returns = new Merged(Math.min);
  const threshold = new Merged(Math.min);
  const state = new Merged(Math.max);
  const sum = (a: number, b: number): number => a + b;
  const [samples, unfinished] = [new Merged(sum), new Merged(sum)];
  for (const [at, row] of rows.entries()) {
    const label = named[at] ?? '';
    if (row.valueMs !== undefined) latency.add(row.valueMs / 1_000, label);
    const share = returnShareOf(row.partition);
    if (share !== undefined) returns.add(share, label);
    samples.add(row.samples, label);
    unfinished.add(row.unfinished, label);
    for (const [rank, { name, exempt }] of workTypes.entries()) {
      if (exempt) continue;
      state.add(states[stateOf(rank, row.partition)], label, name);
      threshold.add(thresholdOf(rank, row.partition) / 1_000, label, name);
    }
  }
  return {
    slackwater_return_success_ratio: returns.values(),
    slackwater_latency_seconds: latency.values(),
    slackwater_threshold_seconds: threshold.values(),
    slackwater_state: state.values(),
    slackwater_window_commits: samples.values(),
    slackwater_unfinished_commits: unfinished.values(),
    slackwater_partitions: [[rows.length]],
  };
}

/** Values by their labels, each label's put together into one. */
class Merged {
  readonly #together: (a: number, b: number) => number;
  readonly #values = new Map<string, { value: number; readonly labels: readonly string[] }>();

  constructor(together: (a: number, b: number) => number) {
    this.#together = together;
  }

  add(value: number, ...labels: readonly string[]): void {
    const key = labels.join('\n');
    const known = this.#values.get(key);
    if (known === undefined) this.#values.set(key, { value, labels });
    else known.value = this.#together(known.value, value);
  }

  values(): readonly LabeledValue[] {
    return [...this.#values.values()].map(({ value, labels }) => [value, ...labels] as const);
  }
}
