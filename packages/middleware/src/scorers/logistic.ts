/**
 * Logistic regression over what is known of a request: numbers are standardised, words are one weight each. Pure.
 */

/** One feature of a model. `from` names a fact: `workType`, `metrics.poolWaiters`, `own.amount`. */
export type Feature =
  | {
      readonly from: string;
      readonly kind: 'number';
      readonly mean: number;
      readonly deviation: number;
      readonly weight: number;
    }
  | { readonly from: string; readonly kind: 'category'; readonly weights: Readonly<Record<string, number>> };

/** What a prediction takes. */
export interface LogisticModel {
  readonly intercept: number;
  readonly features: readonly Feature[];
}

/** What is known of one request: facts, possibly nested. */
export type Facts = Readonly<Record<string, unknown>>;

/** The probability that the model gives, 0 to 1. What is not known, or was never learned from, weighs nothing. */
export function predict({ intercept, features }: LogisticModel, facts: Facts): number {
  const sum = features.reduce(
    (total, feature) => total + weightOf(feature, factAt(facts, feature.from)),
    intercept,
  );
  return sigmoid(sum);
}

/** The fact at a path with dots; own members only. */
export function factAt(facts: Facts, path: string): unknown {
  let at: unknown = facts;
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Facts)[name];
  }
  return at;
}

/** 1 / (1 + e^-x), without overflow. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const power = Math.exp(x);
  return power / (1 + power);
}

function weightOf(feature: Feature, fact: unknown): number {
  if (feature.kind === 'number') {
    if (typeof fact !== 'number' || !Number.isFinite(fact)) return 0;
    return (feature.weight * (fact - feature.mean)) / feature.deviation;
  }
  if (typeof fact !== 'string' && typeof fact !== 'number') return 0;
  const name = String(fact);
  return Object.hasOwn(feature.weights, name) ? (feature.weights[name] ?? 0) : 0;
}
