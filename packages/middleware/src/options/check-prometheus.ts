import { OptionInvalidError, OptionMissingError } from './option-error.ts';
import {
  type MetricRegistry,
  type PrometheusOptions,
  prometheusDefaults,
  type ResolvedPrometheus,
} from './prometheus-options.ts';
import { type Read, type Readers, readGroup } from './read-group.ts';
import { flag, number } from './read-values.ts';

const needed = ['metrics', 'registerMetric', 'getSingleMetric', 'removeSingleMetric'] as const;

const readRegistry: Read<MetricRegistry> = (value, option) => {
  if (isRegistry(value)) return value;
  throw new OptionInvalidError(option, value, 'give a registry of prom-client: register, or new Registry()');
};

/** How the options under `prometheus` are read. */
export const prometheusReaders: Readers<PrometheusOptions> = {
  registry: readRegistry,
  public: flag,
  maxPartitions: number({ from: 0, to: 10_000, of: 'partitions' }),
};

/**
 * The options under `prometheus`, whole; undefined where nobody could read them, because nothing is said and there are no tokens.
 * Throws `option-invalid`, `option-unknown`, and `option-missing` where something is said and nobody could read them.
 */
export function checkPrometheus(value: unknown, hasAuth: boolean): ResolvedPrometheus | undefined {
  const whole = { ...prometheusDefaults, registry: undefined };
  if (value === undefined) return hasAuth ? whole : undefined;
  const given = readGroup<PrometheusOptions>(value, 'prometheus', prometheusReaders, {
    advice: 'give an object, { registry: register }',
  });
  const metrics = { ...whole, ...given };
  if (!hasAuth && !metrics.public && metrics.registry === undefined) {
    throw new OptionMissingError(
      'auth',
      'prometheus is there, and nobody could read what it says: give auth, so that tokens open GET /metrics, or prometheus.registry, to serve it yourself, or say prometheus: { public: true }',
    );
  }
  return metrics;
}

function isRegistry(value: unknown): value is MetricRegistry {
  try {
    if (typeof value !== 'object' || value === null) return false;
    const members = value as Readonly<Record<string, unknown>>;
    return (
      typeof members['contentType'] === 'string' &&
      needed.every((name) => typeof members[name] === 'function')
    );
  } catch {
    return false;
  }
}
