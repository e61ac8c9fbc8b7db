import { type Facts, type Feature, factAt, type LogisticModel, sigmoid } from './logistic.ts';

/** One request whose end is known. */
export interface Example {
  readonly facts: Facts;
  readonly label: boolean;
}

/** What is learned from. */
export interface FeatureNames {
  readonly numbers: readonly string[];
  readonly categories: readonly string[];
}

/** A word that occurs less often teaches nothing. */
const leastOccurrences = 5;
/** Words of one category. */
const mostWords = 50;
const rounds = 400;
const ridge = 0.001;

/**
 * Trains a model by gradient descent (full batches, Nesterov's momentum, a little ridge): the same examples give the same model.
 * Features without any variation are left out.
 */
export function trainLogistic(examples: readonly Example[], names: FeatureNames): LogisticModel {
  const numbers = names.numbers.flatMap((from) => numberColumn(examples, from));
  let first = 1 + numbers.length;
  const words = names.categories.flatMap((from) => {
    const column = wordColumn(examples, from, first);
    first += column?.words.length ?? 0;
    return column === undefined ? [] : [column];
  });
  const labels = Float64Array.from(examples, ({ label }) => Number(label));
  const weights = descend({ numbers, words, labels }, first);
  const features: Feature[] = numbers.map(({ from, mean, deviation }, at) => {
    return { from, kind: 'number', mean, deviation, weight: weights[1 + at] ?? 0 };
  });
  for (const { from, words: own, first: begin } of words) {
    const entries = own.map((word, at) => [word, weights[begin + at] ?? 0] as const);
    features.push({ from, kind: 'category', weights: Object.fromEntries(entries) });
  }
  return { intercept: weights[0] ?? 0, features };
}

interface NumberColumn {
  readonly from: string;
  readonly mean: number;
  readonly deviation: number;
  /** Standardised; what is not known is the mean. */
  readonly values: Float64Array;
}

function numberColumn(examples: readonly Example[], from: string): readonly NumberColumn[] {
  const facts = examples.map((example) => factAt(example.facts, from));
  const known = facts.filter((fact): fact is number => typeof fact === 'number' && Number.isFinite(fact));
  if (known.length < leastOccurrences) return [];
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length;
  const deviation = Math.sqrt(variance);
  if (!(deviation > 1e-9 * Math.max(1, Math.abs(mean)))) return [];
  const values = Float64Array.from(facts, (fact) =>
    typeof fact === 'number' && Number.isFinite(fact) ? (fact - mean) / deviation : 0,
  );
  return [{ from, mean, deviation, values }];
}

interface WordColumn {
  readonly from: string;
  /** The most frequent ones. */
  readonly words: readonly string[];
  /** Where the weight of the first one stands; the others follow. */
  readonly first: number;
  /** For each example where the weight of its word stands, -1 for none. */
  readonly places: Int32Array;
}

function wordColumn(examples: readonly Example[], from: string, first: number): WordColumn | undefined {
  const all = examples.map((example) => {
    const fact = factAt(example.facts, from);
    return typeof fact === 'string' || typeof fact === 'number' ? String(fact) : '';
  });
  const counts = new Map<string, number>();
  for (const word of all) if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts]
    .filter(([word, count]) => count >= leastOccurrences && count < examples.length && word !== '__proto__')
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    .slice(0, mostWords)
    .map(([word]) => word);
  if (words.length === 0) return undefined;
  const placeOf = new Map(words.map((word, at) => [word, first + at]));
  return { from, words, first, places: Int32Array.from(all, (word) => placeOf.get(word) ?? -1) };
}

interface Columns {
  readonly numbers: readonly NumberColumn[];
  readonly words: readonly WordColumn[];
  readonly labels: Float64Array;
}

/** The intercept, then the weights of the numbers, then those of the words. */
function descend(columns: Columns, size: number): Float64Array {
  let weights = new Float64Array(size);
  let before = new Float64Array(size);
  // A bound of the loss's curvature, since each column has a mean square of at most 1: a step of its inverse never overshoots.
  const curvature = (1 + columns.numbers.length + columns.words.length) / 4 + ridge;
  for (let round = 1; round <= rounds; round++) {
    const momentum = (round - 1) / (round + 2);
    const ahead = weights.map((weight, at) => weight + momentum * (weight - (before[at] ?? 0)));
    const slope = gradient(columns, ahead);
    before = weights;
    weights = ahead.map((weight, at) => weight - (slope[at] ?? 0) / curvature);
  }
  return weights;
}

function gradient({ numbers, words, labels }: Columns, weights: Float64Array): Float64Array {
  const slope = new Float64Array(weights.length);
  for (let row = 0; row < labels.length; row++) {
    let sum = weights[0] ?? 0;
    for (let at = 0; at < numbers.length; at++) {
      sum += (weights[1 + at] ?? 0) * (numbers[at]?.values[row] ?? 0);
    }
    for (const { places } of words) sum += weights[places[row] ?? -1] ?? 0;
    const error = (sigmoid(sum) - (labels[row] ?? 0)) / labels.length;
    slope[0] = (slope[0] ?? 0) + error;
    for (let at = 0; at < numbers.length; at++) {
      slope[1 + at] = (slope[1 + at] ?? 0) + error * (numbers[at]?.values[row] ?? 0);
    }
    for (const { places } of words) {
      const place = places[row] ?? -1;
      if (place >= 0) slope[place] = (slope[place] ?? 0) + error;
    }
  }
  return slope.map((value, at) => (at === 0 ? value : value + ridge * (weights[at] ?? 0)));
}
