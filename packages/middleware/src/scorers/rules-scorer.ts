import { createRequire } from 'node:module';
import { SlackwaterError } from '@slackwater/shared';
import type { Engine, RuleProperties } from 'json-rules-engine';
import { parseRules, type Rule } from './rules-file.ts';
import type { Scorer, ScorerAnswer, ScorerFacts } from './scorer.ts';
import { ScorerFile } from './scorer-file.ts';
import { checkFileOptions, type ScorerFileOptions } from './scorer-options.ts';

export type { ScorerFileOptions } from './scorer-options.ts';

/**
 * A scorer by rules as data: a JSON file of rules of json-rules-engine, which is read again when it changes. Facts are those of
 * a scorer, `metrics` and `own` with a `path`. An event says what a rule comes to: `defer`, `perform`, `score` with
 * `params.score`, `label` with `params.label`. Of the rules that fire the one with the highest priority counts, of equal ones
 * the first; it is named in the record. Where none fires the answer is not to defer.
 *
 * Throws `option-invalid`, `option-unknown`, and `peer-missing` where json-rules-engine is not installed.
 */
export function rulesScorer(options: ScorerFileOptions): Scorer {
  const setup = checkFileOptions('rulesScorer', options);
  const makeEngine = installedEngine();
  const file = new ScorerFile({ ...setup, parse: (text) => parse(text, makeEngine) });
  return {
    async score(facts: ScorerFacts): Promise<ScorerAnswer> {
      const { engine, order, version } = file.content;
      const { results } = await engine.run({ ...facts });
      const [first] = results
        .map(({ name, priority = 1, event }) => ({ name, priority, event }))
        .sort((a, b) => b.priority - a.priority || (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
      if (first?.event === undefined) return { defer: false, version };
      return { ...meaningOf(first.event), version, ruleId: first.name };
    },
  };
}

interface Compiled {
  readonly engine: Engine;
  /** Where each rule stands in the file. */
  readonly order: ReadonlyMap<string, number>;
  readonly version: string;
}

type EngineClass = new (
  rules: RuleProperties[],
  options: { readonly allowUndefinedFacts: boolean },
) => Engine;

function installedEngine(): EngineClass {
  try {
    return (createRequire(import.meta.url)('json-rules-engine') as { readonly Engine: EngineClass }).Engine;
  } catch (cause) {
    throw new SlackwaterError(
      'peer-missing',
      'rulesScorer() needs the package json-rules-engine: npm install json-rules-engine.',
      { cause },
    );
  }
}

function parse(text: string, EngineOf: EngineClass): Compiled {
  const { rules, version } = parseRules(text);
  const engine = new EngineOf(rules as unknown as RuleProperties[], { allowUndefinedFacts: true });
  return { engine, version, order: new Map(rules.map(({ name }, at) => [name, at])) };
}

function meaningOf({
  type,
  params,
}: Rule['event']): { score: number } | { label: string } | { defer: boolean } {
  if (type === 'score') return { score: Number(params?.['score']) };
  if (type === 'label') return { label: String(params?.['label']) };
  return { defer: type === 'defer' };
}
