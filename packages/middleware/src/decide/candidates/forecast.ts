/**
 * A seasonal forecast: Holt-Winters' additive method without a trend, in its error-correcting form (Hyndman and
 * Athanasopoulos, Forecasting: Principles and Practice, 8.3), over buckets of one period, with the mean square of its own
 * errors as the variance. Pure: each function gives a new model or an answer.
 */
export interface ForecastModel {
  /** What is expected in each bucket of a period, less `level`. */
  readonly season: readonly number[];
  readonly level: number;
  /** Mean square of the errors one bucket ahead; undefined before there was any. */
  readonly variance: number | undefined;
  /** Buckets that were learned from. */
  readonly learned: number;
}

/** How much of an error goes into the level, into its bucket of the season, and into the variance. */
const levelShare = 0.1;
const seasonShare = 0.3;
const varianceShare = 0.02;

/** A model that knows nothing, of so many buckets. */
export function emptyModel(buckets: number): ForecastModel {
  return { season: new Array<number>(buckets).fill(0), level: 0, variance: undefined, learned: 0 };
}

/** Whether it may be asked: it has seen a period to know the season, and another one to know its errors. */
export function mayForecast({ learned, season }: ForecastModel): boolean {
  return learned >= 2 * season.length;
}

/** Learns the value of the next bucket; `index` is its place in the period. The first period is taken as it comes. */
export function learn(model: ForecastModel, index: number, value: number): ForecastModel {
  const { season, level, variance, learned } = model;
  const buckets = season.length;
  if (learned < buckets) {
    const taken = season.with(index, value);
    if (learned + 1 < buckets) return { ...model, season: taken, learned: learned + 1 };
    const mean = taken.reduce((sum, one) => sum + one, 0) / buckets;
    return { season: taken.map((one) => one - mean), level: mean, variance, learned: buckets };
  }
  const error = value - (level + (season[index] ?? 0));
  const square = error * error;
  return {
    season: season.with(index, (season[index] ?? 0) + seasonShare * (1 - levelShare) * error),
    level: level + levelShare * error,
    variance: variance === undefined ? square : variance + share(learned, buckets) * (square - variance),
    learned: learned + 1,
  };
}

/** While few errors are known each weighs the same. */
function share(learned: number, buckets: number): number {
  return Math.max(varianceShare, 1 / (learned - buckets + 1));
}

/** What is expected of the buckets `from` to `to` (places in the period, both included, at most one period). */
export interface Prediction {
  /** The highest value that is expected. */
  readonly value: number;
  /** How probable it is that the most probable bucket is over the figure, 0 to 1. */
  readonly probability: number;
}

/**
 * Predicts the buckets at these places. Errors are taken as normal, and no smaller than those of counting: `bucketSeconds` is the
 * length of a bucket, values are per second.
 */
export function predict(
  { season, level, variance = 0 }: ForecastModel,
  places: Iterable<number>,
  over: number,
  bucketSeconds: number,
): Prediction {
  let highest = { value: 0, probability: 0 };
  for (const place of places) {
    const value = Math.max(0, level + (season[place] ?? 0));
    const deviation = Math.sqrt(variance + value / bucketSeconds);
    const probability = deviation === 0 ? Number(value > over) : 1 - normal((over - value) / deviation);
    highest = {
      value: Math.max(highest.value, value),
      probability: Math.max(highest.probability, probability),
    };
  }
  return highest;
}

/** The standard normal distribution function, by its power series (Marsaglia, 2004). */
function normal(z: number): number {
  if (z < -8) return 0;
  if (z > 8) return 1;
  let sum = z;
  let term = z;
  for (let n = 3; Math.abs(term) > 1e-17; n += 2) {
    term *= (z * z) / n;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
