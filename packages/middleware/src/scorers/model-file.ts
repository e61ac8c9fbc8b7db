import type { Feature, LogisticModel } from './logistic.ts';

/** A trained model as it stands in its file: portable JSON. */
export interface ModelFile extends LogisticModel {
  readonly v: 1;
  readonly kind: 'logistic-regression';
  /** To stand in the record; 1 to 100 characters. */
  readonly version: string;
  /** What the score is the probability of, for people. */
  readonly predicts?: string;
  /** Of what, and how well, for people. */
  readonly training?: Readonly<Record<string, unknown>>;
}

const mostFeatures = 1_000;

/** Reads a model. Throws an error that says what is wrong with it. */
export function parseModel(text: string): ModelFile {
  const value = JSON.parse(text) as Partial<ModelFile> | null;
  if (value?.v !== 1 || value.kind !== 'logistic-regression') {
    throw new TypeError('it is no model: "v" is not 1, or "kind" not "logistic-regression"');
  }
  const { version, intercept, features } = value;
  if (typeof version !== 'string' || version === '' || version.length > 100) {
    throw new TypeError('"version" is a text of 1 to 100 characters');
  }
  if (!isNumber(intercept)) throw new TypeError('"intercept" is a number');
  if (!Array.isArray(features) || features.length > mostFeatures) {
    throw new TypeError(`"features" is a list of at most ${mostFeatures}`);
  }
  for (const [at, feature] of features.entries()) {
    if (!isFeature(feature)) throw new TypeError(`features[${at}] is no feature`);
  }
  return value as ModelFile;
}

function isFeature(value: unknown): value is Feature {
  const { from, kind, mean, deviation, weight, weights } = (value ?? {}) as Record<string, unknown>;
  if (typeof from !== 'string' || from === '') return false;
  if (kind === 'number') return isNumber(mean) && isNumber(weight) && isNumber(deviation) && deviation > 0;
  const isTable = typeof weights === 'object' && weights !== null && !Array.isArray(weights);
  return kind === 'category' && isTable && Object.values(weights).every(isNumber);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
