import { OptionContradictionError, OptionInvalidError } from './option-error.ts';
import { type LatencyOptions, latencyDefaults } from './options.ts';
import { type Readers, readGroup } from './read-group.ts';
import { isFunction, milliseconds, number } from './read-values.ts';

type Statistic = NonNullable<LatencyOptions['statistic']>;

/** How the options under `latency` are read. */
export const latencyReaders: Readers<LatencyOptions> = {
  window: number({ from: 1, to: 10_000, of: 'commits' }),
  minSamples: number({ from: 1, to: 10_000, of: 'commits' }),
  maxSampleAgeMs: milliseconds(100, 86_400_000),
  commitTimeoutMs: milliseconds(100, 3_600_000),
  statistic: readStatistic,
  probeEveryMs: milliseconds(10, 60_000),
  probeTimeoutMs: milliseconds(10, 600_000),
  floorOneIn: readFloor,
  maxPartitions: number({ from: 1, to: 1_000_000, of: 'partitions' }),
};

/** The options under `latency`, whole. Throws `option-invalid` and `option-unknown`. */
export function checkLatency(value: unknown): Required<LatencyOptions> {
  const given =
    value === undefined
      ? {}
      : readGroup<LatencyOptions>(value, 'latency', latencyReaders, {
          advice: 'give an object, { window: 64 }',
        });
  const whole = { ...latencyDefaults, ...given };
  if (whole.minSamples > whole.window) {
    const origin = given.minSamples === undefined ? ', the default,' : '';
    throw new OptionContradictionError(
      'latency.minSamples',
      `${whole.minSamples}${origin} is more than the ${whole.window} commits of latency.window; give both, minSamples at most window`,
    );
  }
  return whole;
}

const readOneIn = number({ from: 0, to: 10_000, of: 'requests' });

/** One in one would be all of them: no limit any more. */
function readFloor(value: unknown, option: string): number {
  const oneIn = readOneIn(value, option);
  if (oneIn === 1) {
    throw new OptionInvalidError(option, value, 'give a whole number from 2 to 10,000, or 0 for none');
  }
  return oneIn;
}

function readStatistic(value: unknown, option: string): Statistic {
  if (value === 'median' || value === 'mean' || isFunction<Extract<Statistic, () => unknown>>(value))
    return value;
  const advice = 'give "median", "mean", { quantile: 0.9 }, or a function of the samples';
  if (typeof value !== 'object') throw new OptionInvalidError(option, value, advice);
  const { quantile } = readGroup<{ quantile: number }>(
    value,
    option,
    { quantile: number({ from: 0, to: 1, fractions: true }) },
    { advice },
  );
  if (quantile === undefined) throw new OptionInvalidError(option, value, advice);
  return { quantile };
}
