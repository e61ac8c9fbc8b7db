import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricRegistry } from '../options/prometheus-options.ts';
import { definitions, type MetricDefinition, type MetricName } from './definitions.ts';
import { PartitionLabels } from './partition-labels.ts';
import { countReaders } from './read-counts.ts';
import { readPartitions } from './read-partitions.ts';
import type { LabeledValue, MetricCounts, MetricSources } from './readings.ts';

/** The metrics of one gate in a registry of prom-client. */
export interface GateMetrics {
  readonly contentType: string;
  /** The registry's text, also of what others have put there. */
  text(): Promise<string>;
  retryAfter(workType: string, waitMs: number): void;
  recorded(group: string, outcome: 'deferred' | 'not-deferred' | 'unknown', tookMs: number): void;
  /** Takes them out of the registry. */
  close(): void;
}

/** What {@link gateMetrics} takes. */
export interface MetricsSetup {
  /** The application's, or undefined for one of its own. */
  readonly registry: MetricRegistry | undefined;
  /** How many partitions have a label of their own. */
  readonly maxPartitions: number;
  readonly sources: MetricSources;
  readonly counts: MetricCounts;
  /** Hears of what can't be read; that metric then has no value. */
  readonly onTrouble: (error: unknown) => void;
}

/** The name of a metric that a registry has already, so that those of a gate can't be put there; undefined where there is none. */
export function takenIn(registry: MetricRegistry): string | undefined {
  return Object.keys(definitions).find((name) => registry.getSingleMetric(name) !== undefined);
}

/**
 * Registers the metrics of a gate. Nothing is kept up to date for them: they are read when somebody asks, but for what is
 * observed as it happens.
 */
export function gateMetrics({
  registry,
  maxPartitions,
  sources,
  counts,
  onTrouble,
}: MetricsSetup): GateMetrics {
  const own = (registry ?? new Registry()) as Registry;
  const labels = new PartitionLabels(maxPartitions);
  const readers = countReaders(sources, counts, new PartitionLabels(maxPartitions));
  let rows: ReturnType<typeof readPartitions> | undefined;

  /** All metrics by partition of one answer come from one look. */
  function byPartition(): ReturnType<typeof readPartitions> {
    if (rows === undefined) {
      rows = readPartitions(sources, labels);
      setImmediate(() => {
        rows = undefined;
      });
    }
    return rows;
  }

  async function valuesOf(name: MetricName): Promise<readonly LabeledValue[]> {
    try {
      const reader = readers[name];
      if (reader !== undefined) return await reader();
      return name in byPartition() ? byPartition()[name as keyof ReturnType<typeof readPartitions>] : [];
    } catch (error) {
      onTrouble(error);
      return [];
    }
  }

  const histograms = new Map<string, Histogram>();
  for (const [name, definition] of Object.entries<MetricDefinition>(definitions)) {
    if (definition.kind === 'histogram') histograms.set(name, histogramOf(name, definition, own));
    else registerRead(name, definition, own, () => valuesOf(name as MetricName));
  }

  return {
    contentType: own.contentType,
    text: () => own.metrics(),
    retryAfter: (workType, waitMs) =>
      histograms.get('slackwater_retry_after_seconds')?.observe({ work_type: workType }, waitMs / 1_000),
    recorded: (group, outcome, tookMs) =>
      histograms.get('slackwater_record_seconds')?.observe({ outcome, group }, tookMs / 1_000),
    close() {
      for (const name of Object.keys(definitions)) own.removeSingleMetric(name);
    },
  };
}

function histogramOf(
  name: string,
  { help, labels, buckets = [] }: MetricDefinition,
  registry: Registry,
): Histogram {
  const setup = { name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] };
  return new Histogram(setup);
}

function registerRead(
  name: string,
  { kind, help, labels }: MetricDefinition,
  registry: Registry,
  read: () => Promise<readonly LabeledValue[]>,
): void {
  const setup = { name, help, labelNames: [...labels], registers: [registry], collect: refresh };
  const metric = kind === 'counter' ? new Counter(setup) : new Gauge(setup);

  async function refresh(): Promise<void> {
    const values = await read();
    // Whatever is no more has no value.
    metric.reset();
    // Without labels a reset leaves a zero, which nobody has measured.
    if (labels.length === 0 && values.length === 0) metric.remove();
    for (const [value, ...given] of values) {
      metric.inc(Object.fromEntries(labels.map((label, at) => [label, given[at] ?? ''])), value);
    }
  }
}
