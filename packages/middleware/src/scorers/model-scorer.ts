import { type Facts, predict } from './logistic.ts';
import { parseModel } from './model-file.ts';
import type { Scorer } from './scorer.ts';
import { ScorerFile } from './scorer-file.ts';
import { checkFileOptions, type ScorerFileOptions } from './scorer-options.ts';

/**
 * A scorer by a trained model: a JSON file of weights, as `npx slackwater train` writes it, which is read again when it changes.
 * The score is a probability, 0 to 1; the model's version stands in the record.
 *
 * Throws `option-invalid` and `option-unknown`.
 */
export function modelScorer(options: ScorerFileOptions): Scorer {
  const setup = checkFileOptions('modelScorer', options);
  const file = new ScorerFile({ ...setup, parse: parseModel });
  return {
    score(facts) {
      const model = file.content;
      return { score: predict(model, facts as unknown as Facts), version: model.version };
    },
  };
}
