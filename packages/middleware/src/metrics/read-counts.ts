import type { MetricName } from './definitions.ts';
import type { LabeledValue, MetricCounts, MetricSources } from './readings.ts';

/** How the values of each metric that is not by partition are read; those that are observed as they happen are not here. */
export function countReaders(
  { workTypes, decisions, shadow, ledger, batches, queued }: MetricSources,
  { stateChanges, deferrals, batchRuns, batchItems, troubles }: MetricCounts,
): Partial<Record<MetricName, () => readonly LabeledValue[] | Promise<readonly LabeledValue[]>>> {
  const nameOf = (rank: number): string => workTypes[rank]?.name ?? '';
  const ofLedger = (
    value: (reading: NonNullable<ReturnType<NonNullable<typeof ledger>>>) => number | undefined,
  ) => {
    const read = ledger === undefined ? undefined : value(ledger());
    return read === undefined ? [] : [[read] as const];
  };
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
    slackwater_deferrals_total: () => [...deferrals].map(([event, count]) => [count, event]),
    slackwater_batch_runs_total: () => countsByTwo(batchRuns),
    slackwater_batch_items_total: () => countsByTwo(batchItems),
    slackwater_batch_running: () => batches().map(({ name, state }) => [Number(state === 'running'), name]),
    slackwater_batch_postponements: () => batches().map(({ name, postponements }) => [postponements, name]),
    slackwater_batch_next_due_seconds: () =>
      batches().flatMap(({ name, nextDueAt }) =>
        nextDueAt === undefined ? [] : [[Date.parse(nextDueAt) / 1_000, name] as const],
      ),
    slackwater_troubles_total: () => [...troubles].map(([code, count]) => [count, code]),
    slackwater_deferrals_performing: () => ofLedger(({ performing }) => performing),
    slackwater_deferrals_queued: async () => (ledger === undefined ? [] : [[await queued()]]),
    slackwater_ledger_ready: () => ofLedger(({ ready }) => Number(ready)),
    slackwater_engine_connected: () => ofLedger(({ engine }) => engine && Number(engine.connected)),
    slackwater_engine_behind: () => ofLedger(({ engine }) => engine?.behind),
    slackwater_index_entries: () => ofLedger(({ index }) => index?.entries),
    slackwater_index_behind: () => ofLedger(({ index }) => index?.behind),
    slackwater_deferrals_corrupt: () => ofLedger(({ index }) => index?.corrupt),
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
