/** A median with what is known of it. */
export interface Spread {
  readonly median: number;
  /** Between `low` and `high` the true median lies with a confidence of 95 %, or a little more. */
  readonly low: number;
  readonly high: number;
  /** How many samples it rests on. */
  readonly count: number;
}

/** Below so many samples there is no interval of 95 % to be had from their order. */
export const fewestSamples = 6;

/**
 * The median of samples, with the interval that their order gives for it: nothing is assumed of how they are
 * distributed. Throws a RangeError for fewer than {@link fewestSamples}.
 */
export function spreadOf(samples: readonly number[]): Spread {
  const count = samples.length;
  if (count < fewestSamples) {
    throw new RangeError(`${count} samples give no interval; ${fewestSamples} are the fewest.`);
  }
  const sorted = samples.toSorted((a, b) => a - b);
  const cut = placesToCut(count);
  return { median: medianOf(sorted), low: at(sorted, cut), high: at(sorted, count - 1 - cut), count };
}

/** A value that was taken once: it has no interval. */
export function once(value: number): Spread {
  return { median: value, low: value, high: value, count: 1 };
}

/** The median of samples in order; NaN where there are none. */
export function medianOf(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
}

/** Sample by sample, the one's divided by the other's: what was taken in one round belongs together. */
export function ratios(of: readonly number[], by: readonly number[]): readonly number[] {
  return of.map((value, round) => value / at(by, round));
}

/** How many samples on each side can be left out: P(B <= cut) <= 0.025 for B of the binomial distribution with 1/2. */
function placesToCut(count: number): number {
  let cut = -1;
  let likelihood = 2 ** -count;
  for (let sum = likelihood; sum <= 0.025; sum += likelihood) {
    cut++;
    likelihood *= (count - cut) / (cut + 1);
  }
  return Math.max(0, cut);
}

function at(samples: readonly number[], index: number): number {
  const sample = samples[index];
  if (sample === undefined) throw new RangeError(`There is no sample ${index}.`);
  return sample;
}
