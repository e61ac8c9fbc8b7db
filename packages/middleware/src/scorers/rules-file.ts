import { createHash } from 'node:crypto';

/** A rule of json-rules-engine, as JSON. */
export interface Rule {
  readonly name: string;
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly event: { readonly type: string; readonly params?: Readonly<Record<string, unknown>> };
  readonly priority?: number;
}

/** Rules, and what they are called as a whole. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  /** As the file says, else a digest of its text. */
  readonly version: string;
}

const events = ['defer', 'perform', 'score', 'label'];

/** What json-rules-engine compares with; a decorator may stand before it, as in `someFact:equal`. */
const operators = [
  'equal',
  'notEqual',
  'in',
  'notIn',
  'contains',
  'doesNotContain',
  'lessThan',
  'lessThanInclusive',
  'greaterThan',
  'greaterThanInclusive',
];

const mostRules = 1_000;
const deepest = 32;

/**
 * Reads rules: a list, or an object with `rules` and `version`. Throws an error that names the rule for what would only
 * fail, or never fire, when it is used.
 */
export function parseRules(text: string): RuleSet {
  const value: unknown = JSON.parse(text);
  const { rules, version } = (Array.isArray(value) ? { rules: value } : (value ?? {})) as Record<
    string,
    unknown
  >;
  if (!Array.isArray(rules)) throw new TypeError('give a list of rules, or { "version", "rules": [...] }');
  if (rules.length > mostRules) throw new RangeError(`it has ${rules.length} rules; at most ${mostRules}`);
  if (version !== undefined && (typeof version !== 'string' || version === '' || version.length > 100)) {
    throw new TypeError('version is a text of 1 to 100 characters');
  }
  const names = new Set<string>();
  const checked = rules.map((rule: unknown, at) => checkRule(rule, at, names));
  return { rules: checked, version: version ?? createHash('sha256').update(text).digest('hex').slice(0, 12) };
}

function checkRule(value: unknown, at: number, names: Set<string>): Rule {
  const { name, conditions, event, priority } = (value ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || name === '' || name.length > 200) {
    throw new TypeError(
      `rule ${at} has no name: one of 1 to 200 characters stands in the record when it fires`,
    );
  }
  if (names.has(name)) throw new TypeError(`two rules are called ${JSON.stringify(name)}`);
  names.add(name);
  const refuse = (what: string): never => {
    throw new TypeError(`rule ${JSON.stringify(name)}: ${what}`);
  };
  checkCondition(conditions, refuse, 0);
  const { type, params } = (event ?? {}) as { readonly type?: unknown; readonly params?: unknown };
  if (typeof type !== 'string' || !events.includes(type)) refuse(`event.type is one of ${events.join(', ')}`);
  const { score, label } = (params ?? {}) as { readonly score?: unknown; readonly label?: unknown };
  if (type === 'score' && !Number.isFinite(score)) refuse('the event score needs params.score, a number');
  if (type === 'label' && typeof label !== 'string') refuse('the event label needs params.label, a text');
  const isPriority = priority === undefined || (Number.isSafeInteger(priority) && (priority as number) > 0);
  if (!isPriority) refuse('priority is a whole number from 1 on; the highest that fires counts');
  return value as Rule;
}

function checkCondition(value: unknown, refuse: (what: string) => never, depth: number): void {
  if (typeof value !== 'object' || value === null) refuse('conditions are objects, { "all": [...] }');
  if (depth > deepest) refuse(`its conditions are nested more than ${deepest} deep`);
  const { all, any, not, fact, operator } = value as Record<string, unknown>;
  const list = all ?? any;
  if (list !== undefined) {
    if (!Array.isArray(list) || list.length === 0) refuse('"all" and "any" are lists of conditions');
    for (const one of list as readonly unknown[]) checkCondition(one, refuse, depth + 1);
  } else if (not !== undefined) checkCondition(not, refuse, depth + 1);
  else {
    if (depth === 0) refuse('conditions begin with "all", "any" or "not"');
    if (typeof fact !== 'string') refuse('a condition names a fact');
    const known = typeof operator === 'string' && operators.includes(operator.split(':').at(-1) ?? '');
    if (!known) refuse(`${JSON.stringify(operator)} is no operator; known are ${operators.join(', ')}`);
  }
}
