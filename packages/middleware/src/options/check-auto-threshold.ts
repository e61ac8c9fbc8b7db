import { type AutoThresholdOptions, autoThresholdDefaults } from './auto-threshold-options.ts';
import { OptionContradictionError } from './option-error.ts';
import { type Readers, readGroup } from './read-group.ts';
import { milliseconds, number } from './read-values.ts';

const thresholdMs = number({ from: 0.001, to: 3_600_000, of: 'milliseconds', fractions: true });

/** How the options under `autoThreshold` are read. */
export const autoThresholdReaders: Readers<AutoThresholdOptions> = {
  tolerance: number({ from: 1.1, to: 1_000, fractions: true }),
  floorMs: thresholdMs,
  ceilingMs: thresholdMs,
  warmUpMs: milliseconds(1_000, 86_400_000),
};

/** The options under `autoThreshold`, whole. Throws `option-invalid` and `option-unknown`. */
export function checkAutoThreshold(value: unknown): Required<AutoThresholdOptions> {
  const given =
    value === undefined
      ? {}
      : readGroup<AutoThresholdOptions>(value, 'autoThreshold', autoThresholdReaders, {
          advice: 'give an object, { ceilingMs: 250 }',
        });
  const whole = { ...autoThresholdDefaults, ...given };
  if (whole.floorMs > whole.ceilingMs) {
    const origin = given.floorMs === undefined ? ', the default,' : '';
    throw new OptionContradictionError(
      'autoThreshold.floorMs',
      `${whole.floorMs}${origin} is more than the ${whole.ceilingMs} of autoThreshold.ceilingMs; give both, floorMs at most ceilingMs`,
    );
  }
  return whole;
}
