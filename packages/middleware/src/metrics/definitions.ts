/** A metric as it is registered. docs/reference/metrics.md has a row for each, and a test holds the two together. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Of histograms: upper bounds, in the metric's unit. */
  readonly buckets?: readonly number[];
}

/** Every metric, by name: units last, seconds as Prometheus has them, counters with `_total`. */
export const definitions = {
  slackwater_decisions_total: {
    kind: 'counter',
    help: 'Requests that were decided, by their first reason.',
    labels: ['work_type', 'decision', 'reason'],
  },
  slackwater_retry_after_seconds: {
    kind: 'histogram',
    help: 'How long callers were asked to stay away.',
    labels: ['work_type'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60],
  },
  slackwater_returns_total: {
    kind: 'counter',
    help: 'Requests of callers that had been asked to come back and were recognised, by what was decided then.',
    labels: ['work_type', 'decision'],
  },
  slackwater_return_success_ratio: {
    kind: 'gauge',
    help: 'The share of those who return that succeeds while the partition takes work, 0 to 1. Of "other" the lowest.',
    labels: ['partition'],
  },
  slackwater_latency_seconds: {
    kind: 'gauge',
    help: 'The latency value of a partition; absent where none is known. Of "other" the highest.',
    labels: ['partition'],
  },
  slackwater_threshold_seconds: {
    kind: 'gauge',
    help: 'Above which latency a work type is over, there. Of "other" the lowest. Exempt work types have none.',
    labels: ['partition', 'work_type'],
  },
  slackwater_state: {
    kind: 'gauge',
    help: 'The state of a work type on a partition: 0 clear, 1 recovering, 2 over. Of "other" the worst.',
    labels: ['partition', 'work_type'],
  },
  slackwater_state_changes_total: {
    kind: 'counter',
    help: 'How often a work type came to a state, on any partition.',
    labels: ['work_type', 'to'],
  },
  slackwater_retrips_total: {
    kind: 'counter',
    help: 'How often a work type was over again before it had recovered, on any partition.',
    labels: ['work_type'],
  },
  slackwater_window_commits: {
    kind: 'gauge',
    help: 'Finished commits that the latency value rests on.',
    labels: ['partition'],
  },
  slackwater_unfinished_commits: {
    kind: 'gauge',
    help: 'Commits that the database has not answered yet.',
    labels: ['partition'],
  },
  slackwater_partitions: {
    kind: 'gauge',
    help: 'Partitions whose latency this host remembers.',
    labels: [],
  },
  slackwater_record_seconds: {
    kind: 'histogram',
    help: 'How long recording a request took, from its capture to its sealed entry.',
    labels: ['outcome', 'group'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  },
  slackwater_deferrals_total: {
    kind: 'counter',
    help: 'What became of deferrals as this host performed them, by event.',
    labels: ['event', 'group'],
  },
  slackwater_deferrals_performing: {
    kind: 'gauge',
    help: 'Deferrals that this host performs now.',
    labels: ['group'],
  },
  slackwater_deferrals_queued: {
    kind: 'gauge',
    help: 'Deferrals on the queue of all hosts that share the ledger; absent where it can not be asked.',
    labels: ['group'],
  },
  slackwater_queue_items: {
    kind: 'gauge',
    help: 'Deferrals on the queue of all hosts that share the ledger, by partition; absent where it can not be asked.',
    labels: ['group', 'partition'],
  },
  slackwater_queue_oldest_seconds: {
    kind: 'gauge',
    help: 'For how long the deferral has waited that has waited longest, by partition. Of "other" the longest.',
    labels: ['group', 'partition'],
  },
  slackwater_queue_paused: {
    kind: 'gauge',
    help: '1 where a partition that has items, or its group, is paused, else 0. Of "other" the highest.',
    labels: ['group', 'partition'],
  },
  slackwater_ledger_ready: {
    kind: 'gauge',
    help: '1 where the ledger is open and takes requests, else 0; absent without an engine.',
    labels: ['group'],
  },
  slackwater_engine_connected: {
    kind: 'gauge',
    help: '1 where a server of the engine is reached, else 0; absent where the engine has no servers.',
    labels: ['group'],
  },
  slackwater_engine_behind: {
    kind: 'gauge',
    help: "Messages or rows on the engine's servers that this host has not seen yet.",
    labels: ['group'],
  },
  slackwater_batch_runs_total: {
    kind: 'counter',
    help: 'Runs of batches on this host, by how they ended.',
    labels: ['batch', 'outcome'],
  },
  slackwater_batch_items_total: {
    kind: 'counter',
    help: 'Items of batches on this host, by what became of them: performed, early, failed, left.',
    labels: ['batch', 'outcome'],
  },
  slackwater_batch_running: {
    kind: 'gauge',
    help: '1 where this host runs the batch now, else 0.',
    labels: ['batch'],
  },
  slackwater_batch_postponements: {
    kind: 'gauge',
    help: 'How often in a row a batch was postponed, whole or in part, as far as this host knows.',
    labels: ['batch'],
  },
  slackwater_batch_next_due_seconds: {
    kind: 'gauge',
    help: 'When a batch is due next, Unix time; absent where it never is, or is not known.',
    labels: ['batch'],
  },
  slackwater_webhooks_total: {
    kind: 'counter',
    help: 'Webhooks that this host sent, by what became of it: delivered, failed (sent again later), given-up.',
    labels: ['outcome', 'group'],
  },
  slackwater_troubles_total: {
    kind: 'counter',
    help: "Trouble of the gate's own, by error code; other where it has none.",
    labels: ['code'],
  },
  slackwater_index_entries: {
    kind: 'gauge',
    help: "Entries of the ledger that this host's index for audits has read.",
    labels: ['group'],
  },
  slackwater_index_behind: {
    kind: 'gauge',
    help: 'Entries of the ledger that it has not read yet.',
    labels: ['group'],
  },
  slackwater_deferrals_parked: {
    kind: 'gauge',
    help: 'Deferrals that are parked, for somebody to look at.',
    labels: ['group'],
  },
  slackwater_deferrals_corrupt: {
    kind: 'gauge',
    help: 'Deferrals that were refused because their records were altered or are missing.',
    labels: ['group'],
  },
  slackwater_shadow_requests_total: {
    kind: 'counter',
    help: 'Requests that were let through in shadow mode, by what would have become of them.',
    labels: ['work_type', 'would_be'],
  },
  slackwater_shadow_commits_total: {
    kind: 'counter',
    help: 'Commits of requests that shadow mode let through and that would have been postponed.',
    labels: ['work_type'],
  },
  slackwater_shadow_commit_seconds_total: {
    kind: 'counter',
    help: 'What those commits took together.',
    labels: ['work_type'],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** The name of a metric. */
export type MetricName = keyof typeof definitions;
