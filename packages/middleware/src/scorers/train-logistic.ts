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
  const words = names.categories.flatMap((from) => wordColumns(examples, from));
  const columns = [...numbers.map(({ values }) => values), ...words.map(({ values }) => values)];
  const { intercept, weights } = descend(
    columns,
    examples.map(({ label }) => Number(label)),
  );
  const features: Feature[] = numbers.map(({ from, mean, deviation }, at) => ({
    from,
    kind: 'number',
    mean,
    deviation,
    weight: weights[at] ?? 0,
  }));
  const weightsBy = new Map<string, Record<string, number>>();
  for (const [at, { from, word }] of words.entries()) {
    const own = weightsBy.get(from) ?? {};
    own[word] = weights[numbers.length + at] ?? 0;
    weightsBy.set(from, own);
  }
  for (const [from, own] of weightsBy) features.push({ from, kind: 'category', weights: own });
  return { intercept, features };
}

interface NumberColumn {
  readonly from: string;
  readonly mean: number;
  readonly deviation: number;
  readonly values: Float64Array;
}

/** Standardised; what is not known is the mean. */
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
  readonly word: string;
  readonly values: Float64Array;
}

/** One column for each of the most frequent words. */
function wordColumns(examples: readonly Example[], from: string): readonly WordColumn[] {
  const words = examples.map((example) => {
    const fact = factAt(example.facts, from);
    return typeof fact === 'string' || typeof fact === 'number' ? String(fact) : '';
  });
  const counts = new Map<string, number>();
  for (const word of words) if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .filter(([word, count]) => count >= leastOccurrences && count < examples.length && word !== '__proto__')
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    .slice(0, mostWords)
    .map(([word]) => ({ from, word, values: Float64Array.from(words, (own) => Number(own === word)) }));
}

function descend(
  columns: readonly Float64Array[],
  labels: readonly number[],
): { readonly intercept: number; readonly weights: Float64Array } {
  const size = columns.length + 1;
  let weights = new Float64Array(size);
  let before = new Float64Array(size);
  // The bound of the loss's curvature: a step of its inverse never overshoots.
  const curvature = columns.reduce((sum, column) => sum + meanSquare(column), 1) / 4 + ridge;
  for (let round = 1; round <= rounds; round++) {
    const ahead = weights.map(
      (weight, at) => weight + ((round - 1) / (round + 2)) * (weight - (before[at] ?? 0)),
    );
    const slope = gradient(columns, labels, ahead);
    before = weights;
    weights = ahead.map((weight, at) => weight - (slope[at] ?? 0) / curvature);
  }
  return { intercept: weights[0] ?? 0, weights: weights.slice(1) };
}

function gradient(
  columns: readonly Float64Array[],
  labels: readonly number[],
  weights: Float64Array,
): Float64Array {
  const slope = new Float64Array(weights.length);
  for (const [row, label] of labels.entries()) {
    let sum = weights[0] ?? 0;
    for (const [at, column] of columns.entries()) sum += (weights[at + 1] ?? 0) * (column[row] ?? 0);
    const error = (sigmoid(sum) - label) / labels.length;
    slope[0] = (slope[0] ?? 0) + error;
    for (const [at, column] of columns.entries())
      slope[at + 1] = (slope[at + 1] ?? 0) + error * (column[row] ?? 0);
  }
  return slope.map((value, at) => (at === 0 ? value : value + ridge * (weights[at] ?? 0)));
}

function meanSquare(column: Float64Array): number {
  return column.reduce((sum, value) => sum + value * value, 0) / Math.max(1, column.length);
}
