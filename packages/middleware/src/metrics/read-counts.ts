import type { MetricName } from './definitions.ts';
import type { PartitionLabels } from './partition-labels.ts';
import type {
  LabeledValue,
  LedgerReading,
  MetricCounts,
  MetricSources,
  QueuedPartition,
  QueuedReading,
} from './readings.ts';

/** How the values of each metric that is not by partition are read; those that are observed as they happen are not here. */
export function countReaders(
  { workTypes, decisions, shadow, ledgers, batches, queued }: MetricSources,
  { stateChanges, retrips, deferrals, webhooks, batchRuns, batchItems, troubles }: MetricCounts,
  labels: PartitionLabels,
): Partial<Record<MetricName, () => readonly LabeledValue[] | Promise<readonly LabeledValue[]>>> {
  const nameOf = (rank: number): string => workTypes[rank]?.name ?? '';
  const byGroup = (value: (reading: LedgerReading) => number | undefined): readonly LabeledValue[] =>
    (ledgers?.() ?? []).flatMap((reading) => {
      const read = value(reading);
      return read === undefined ? [] : [[read, reading.group] as const];
    });
  const asked = async (): Promise<readonly QueuedReading[]> =>
    ledgers === undefined ? [] : readable(await queued());
  return {
    slackwater_decisions_total: () =>
      [...decisions.list()].map(({ rank, decision, reason, count }) => [
        count,
        nameOf(rank),
        decision,
        reason,
      ]),
    slackwater_returns_total: () =>
      [...decisions.returns()].map(({ rank, decision, count }) => [count, nameOf(rank), decision]),
    slackwater_state_changes_total: () => countsByTwo(stateChanges),
    slackwater_retrips_total: () => [...retrips].map(([workType, count]) => [count, workType]),
    slackwater_deferrals_total: () =>
      countsByTwo(deferrals).map(([count, group = '', event = '']) => [count, event, group]),
    slackwater_webhooks_total: () =>
      countsByTwo(webhooks).map(([count, group = '', outcome = '']) => [count, outcome, group]),
    slackwater_batch_runs_total: () => countsByTwo(batchRuns),
    slackwater_batch_items_total: () => countsByTwo(batchItems),
    slackwater_batch_running: () => batches().map(({ name, state }) => [Number(state === 'running'), name]),
    slackwater_batch_postponements: () => batches().map(({ name, postponements }) => [postponements, name]),
    slackwater_batch_next_due_seconds: () =>
      batches().flatMap(({ name, nextDueAt }) =>
        nextDueAt === undefined ? [] : [[Date.parse(nextDueAt) / 1_000, name] as const],
      ),
    slackwater_troubles_total: () => [...troubles].map(([code, count]) => [count, code]),
    slackwater_deferrals_performing: () => byGroup(({ performing }) => performing),
    slackwater_deferrals_queued: async () => (await asked()).map(({ group, items }) => [items, group]),
    slackwater_queue_items: async () =>
      byPartition(
        await asked(),
        labels,
        ({ items }) => items,
        (a, b) => a + b,
      ),
    slackwater_queue_oldest_seconds: async () =>
      byPartition(
        (await asked()).map(({ partitions, ...rest }) => ({
          ...rest,
          partitions: partitions.filter(({ oldestMs }) => oldestMs !== undefined),
        })),
        labels,
        ({ oldestMs = 0 }) => oldestMs / 1_000,
        Math.max,
      ),
    slackwater_queue_paused: async () =>
      byPartition(await asked(), labels, ({ paused }) => Number(paused), Math.max),
    slackwater_ledger_ready: () => byGroup(({ ready }) => Number(ready)),
    slackwater_engine_connected: () => byGroup(({ engine }) => engine && Number(engine.connected)),
    slackwater_engine_behind: () => byGroup(({ engine }) => engine?.behind),
    slackwater_index_entries: () => byGroup(({ index }) => index?.entries),
    slackwater_index_behind: () => byGroup(({ index }) => index?.behind),
    slackwater_deferrals_parked: () => byGroup(({ index }) => index?.parked),
    slackwater_deferrals_corrupt: () => byGroup(({ index }) => index?.corrupt),
    slackwater_shadow_requests_total: () =>
      Object.entries(shadow()).flatMap(([name, { performed, retryLater, deferred }]) => [
        [performed, name, 'perform'],
        [retryLater, name, 'retry-later'],
        [deferred, name, 'defer'],
      ]),
    slackwater_shadow_commits_total: () =>
      Object.entries(shadow()).map(([name, { commits }]) => [commits, name]),
    slackwater_shadow_commit_seconds_total: () =>
      Object.entries(shadow()).map(([name, { commitMs }]) => [commitMs / 1_000, name]),
  };
}

function countsByTwo(counts: ReadonlyMap<string, ReadonlyMap<string, number>>): readonly LabeledValue[] {
  return [...counts].flatMap(([first, bySecond]) =>
    [...bySecond].map(([second, count]): LabeledValue => [count, first, second]),
  );
}

/** Those that could be asked. Where none could, that is to be told. */
function readable(queues: readonly PromiseSettledResult<QueuedReading>[]): readonly QueuedReading[] {
  const read = queues.flatMap((queue) => (queue.status === 'fulfilled' ? [queue.value] : []));
  const failed = queues.find((queue) => queue.status === 'rejected');
  if (read.length === 0 && failed !== undefined) throw failed.reason;
  return read;
}

/** Partitions without a label of their own are put together. */
function byPartition(
  readings: readonly QueuedReading[],
  labels: PartitionLabels,
  value: (partition: QueuedPartition) => number,
  together: (a: number, b: number) => number,
): readonly LabeledValue[] {
  const names = [
    ...new Set(readings.flatMap(({ partitions }) => partitions.map(({ partition }) => partition))),
  ];
  const labelOf = new Map(labels.label(names).map((label, at) => [names[at], label]));
  return readings.flatMap(({ group, partitions }) => {
    const values = new Map<string, number>();
    for (const row of partitions) {
      const label = labelOf.get(row.partition) ?? '';
      const before = values.get(label);
      values.set(label, before === undefined ? value(row) : together(before, value(row)));
    }
    return [...values].map(([label, put]): LabeledValue => [put, group, label]);
  });
}
