import type { CandidateMeans } from '../answer/gate-parts.ts';
import { ScorerAsker } from '../decide/candidates/ask-scorer.ts';
import { Forecasts } from '../decide/candidates/forecasts.ts';
import { ItemHold } from '../decide/candidates/item-hold.ts';
import { judgeCandidate } from '../decide/candidates/judge.ts';
import { type Instruments, takeMeasurements } from '../decide/candidates/measurements.ts';
import { type SourceContact, sourceContact } from '../drivers/driver.ts';
import { MetricSampler } from '../measure/metric-sampler.ts';
import { Reachability } from '../measure/reachability.ts';
import { resourceMetrics } from '../measure/resource-metrics.ts';
import type { Criterion } from '../options/candidates.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import { type Ground, type Measuring, thisProcess } from './decide.ts';

/** What finds candidates for being deferred, and holds back what was deferred. */
export interface Candidates extends CandidateMeans {
  readonly hold: ItemHold;
  close(): void;
}

/** Everything that criteria can be about; what no work type names is neither measured nor listened to. */
export function findCandidates(
  options: ResolvedOptions,
  { table }: Measuring,
  { trouble }: Pick<GateVoice, 'trouble'>,
  onOpening: (partition: string) => void,
  { clock, sourcesOf }: Ground = thisProcess,
): Candidates {
  const criteria = options.workTypes.flatMap(({ candidates }) => candidates?.criteria ?? []);
  const named = new Set(criteria.flatMap((one) => ('metric' in one ? [one.metric] : [])));
  const resources = resourceMetrics(named);
  const own = [...options.metrics].filter(([name]) => named.has(name));
  const sampler = new MetricSampler({
    clock,
    everyMs: options.metricEveryMs,
    readers: new Map([...resources.readers, ...own]),
    onTrouble: (name, error) => trouble(`measuring ${name}`, error),
  });
  const { probeEveryMs } = options.latency;
  const reachability = new Reachability({ clock, sourcesOf, probeEveryMs, onReached: onOpening });
  const hear = (message: unknown): void => reachability.hear(message as SourceContact);
  if (criteria.some((one) => 'unavailable' in one)) sourceContact.subscribe(hear);
  const forecasts = new Forecasts(clock, options.forecast);
  if (predicts(criteria, 'commits'))
    table.onFinished(({ partition }) => forecasts.count('commits', partition));
  const asker = new ScorerAsker({
    clock,
    scorers: options.scorers,
    timeoutMs: options.scorerTimeoutMs,
    onTrouble: (name, error) => trouble(`asking the scorer ${name}`, error),
  });
  const instruments: Instruments = {
    latencyOf: (partition) => table.valueOf(partition),
    waitersOf: (partition) =>
      sourcesOf(partition).reduce<number | undefined>(
        (sum, { waiting }) => (waiting === undefined ? sum : (sum ?? 0) + waiting()),
        undefined,
      ),
    metric: (name) => sampler.read(name),
    unreachable: (partition) => reachability.why(partition),
    predict: (what, partition, over, withinMs) => forecasts.predict(what, partition, over, withinMs),
  };
  const sampled = [...named].filter((name) => name !== 'commitLatencyMs' && name !== 'poolWaiters');
  return {
    countRequest: predicts(criteria, 'requests')
      ? (partitions) => {
          for (const partition of partitions) forecasts.count('requests', partition);
        }
      : undefined,
    measure: (asked, partitions, thresholdMs) =>
      takeMeasurements(instruments, asked, partitions, thresholdMs),
    metricsNow(partitions) {
      const all = ['commitLatencyMs', 'poolWaiters', ...sampled].map((metric) => ({ metric, over: 0 }));
      const { metrics = {} } = takeMeasurements(instruments, all, partitions, 0).because;
      return Object.fromEntries(Object.entries(metrics).map(([name, { value }]) => [name, value]));
    },
    askScorer: (name, facts) => asker.ask(name, facts),
    judge: judgeCandidate,
    becauseOfLatency: (partition, thresholdMs) =>
      takeMeasurements(instruments, [{ metric: 'commitLatencyMs' }], [partition], thresholdMs).because,
    hold: new ItemHold({
      clock,
      workTypes: options.workTypes,
      instruments,
      askAgainInMs: Math.min(options.metricEveryMs, options.perform.lookEveryMs),
      letOneEveryMs: options.perform.lookCapMs,
      onReleased: onOpening,
    }),
    close() {
      sourceContact.unsubscribe(hear);
      reachability.close();
      sampler.close();
      resources.close();
    },
  };
}

function predicts(criteria: readonly Criterion[], what: 'requests' | 'commits'): boolean {
  return criteria.some((one) => 'forecast' in one && one.forecast === what);
}
