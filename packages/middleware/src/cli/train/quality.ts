import { type LogisticModel, predict } from '../../scorers/logistic.ts';
import type { Example } from '../../scorers/train-logistic.ts';

/** How well a model does on examples that it has not seen. */
export interface Quality {
  readonly examples: number;
  /** Share whose label is told by a cut at 0.5. */
  readonly accuracy: number;
  /** The same, of a model that always says what is more frequent. */
  readonly baseline: number;
  /** Mean negative log likelihood; 0 is perfect, 0.69 is a coin. */
  readonly logLoss: number;
}

/** Judges a model. */
export function qualityOf(model: LogisticModel, examples: readonly Example[]): Quality {
  let right = 0;
  let loss = 0;
  for (const { facts, label } of examples) {
    const probability = predict(model, facts);
    if (probability > 0.5 === label) right += 1;
    loss -= Math.log(Math.max(1e-12, label ? probability : 1 - probability));
  }
  const positives = examples.filter(({ label }) => label).length;
  const count = Math.max(1, examples.length);
  return {
    examples: examples.length,
    accuracy: round(right / count),
    baseline: round(Math.max(positives, examples.length - positives) / count),
    logLoss: round(loss / count),
  };
}

function round(value: number): number {
  return Number(value.toFixed(4));
}
