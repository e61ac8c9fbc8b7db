import type { Because, ForecastBecause, ReasonCode } from '@slackwater/shared';
import type { Criterion, ForecastCriterion, MetricCriterion } from '../../options/candidates.ts';
import type { Prediction } from './forecast.ts';
import type { Counted } from './forecasts.ts';

/** What can be asked of this host at once. */
export interface Instruments {
  /** The latency value of a partition, ms; NaN where none is known. */
  readonly latencyOf: (partition: string) => number;
  /** How many callers wait for a connection there; undefined where nobody can say. */
  readonly waitersOf: (partition: string) => number | undefined;
  /** Any other metric; undefined where it can't be told. */
  readonly metric: (name: string) => number | undefined;
  readonly unreachable: (partition: string) => string | undefined;
  readonly predict: (
    what: Counted,
    partition: string,
    over: number,
    withinMs: number,
  ) => Prediction | undefined;
}

/** What was measured, and what could not be. */
export interface Measured {
  readonly because: Because;
  readonly leftOut: readonly ReasonCode[];
}

/**
 * Asks for everything that the criteria name and that needs no waiting. Of several partitions the worst counts.
 *
 * @param thresholdMs what commit latency is compared with where a criterion gives no figure
 */
export function takeMeasurements(
  instruments: Instruments,
  criteria: readonly Criterion[],
  partitions: readonly string[],
  thresholdMs: number,
): Measured {
  const metrics: Record<string, { value: number; over: number }> = {};
  const forecasts: ForecastBecause[] = [];
  const leftOut = new Set<ReasonCode>();
  let unreachable: string | undefined;
  for (const criterion of criteria) {
    if ('metric' in criterion) {
      const value = metricOf(instruments, criterion, partitions);
      if (value === undefined) leftOut.add('metric-unavailable');
      else if (!Number.isNaN(value))
        metrics[criterion.metric] = { value, over: criterion.over ?? thresholdMs };
    } else if ('forecast' in criterion) {
      const forecast = forecastOf(instruments, criterion, partitions);
      if (forecast !== undefined) forecasts.push(forecast);
    } else if ('unavailable' in criterion) {
      unreachable ??= partitions.map(instruments.unreachable).find((why) => why !== undefined);
    }
  }
  const because: Because = {
    ...(Object.keys(metrics).length === 0 ? {} : { metrics }),
    ...(forecasts.length === 0 ? {} : { forecasts }),
    ...(unreachable === undefined ? {} : { unreachable }),
  };
  return { because, leftOut: [...leftOut] };
}

/** NaN where there is nothing to be told yet, undefined where it can't be told. */
function metricOf(
  { latencyOf, waitersOf, metric }: Instruments,
  { metric: name }: MetricCriterion,
  partitions: readonly string[],
): number | undefined {
  if (name === 'commitLatencyMs') return worst(partitions.map(latencyOf));
  if (name !== 'poolWaiters') return metric(name);
  const waiters = partitions.map(waitersOf);
  return waiters.includes(undefined) ? undefined : worst(waiters.map((count) => count ?? 0));
}

function forecastOf(
  { predict }: Instruments,
  { forecast, over, withinMs }: ForecastCriterion,
  partitions: readonly string[],
): ForecastBecause | undefined {
  const predictions = partitions
    .map((partition) => predict(forecast, partition, over, withinMs))
    .filter((prediction) => prediction !== undefined)
    .sort((a, b) => b.probability - a.probability);
  const [most] = predictions;
  if (most === undefined) return undefined;
  return { forecast, withinMs, over, perSecond: most.value, probability: most.probability };
}

/** NaN where none is known. */
function worst(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? Number.NaN : Math.max(...known);
}
