import { OptionInvalidError } from './option-error.ts';
import type { Read } from './read-group.ts';
import { number } from './read-values.ts';

/** A latency value above which work is postponed, ms; or `auto` where each partition teaches its own. */
export type Threshold = number | 'auto';

/** Above 0: a latency value is never below it, so a threshold of 0 would postpone everything, for ever. */
const readMs = number({ from: 0.001, to: 3_600_000, of: 'milliseconds', fractions: true });

/** A threshold, of all work types or of one. Throws `option-invalid`. */
export const readThreshold: Read<Threshold> = (value, option) => {
  if (value === 'auto') return value;
  if (typeof value === 'number') return readMs(value, option);
  throw new OptionInvalidError(option, value, 'give a number of milliseconds, or "auto"');
};
