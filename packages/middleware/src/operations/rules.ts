import { isDeepStrictEqual } from 'node:util';
import { isStandardSchema, type StandardIssue, type StandardSchema } from './standard-schema.ts';

/** What a function that checks says: true, or what is wrong. Only `true` is good; false is bad without words. */
export type Verdict = boolean | string | readonly string[];

/** A value must be this very one, compared deeply. Made by {@link equals}. */
export interface EqualsRule<Value = unknown> {
  readonly kind: 'equals';
  readonly value: Value;
}

/** A text must match. Made by {@link matches}. */
export interface MatchesRule {
  readonly kind: 'matches';
  readonly pattern: RegExp;
}

/** How one value is checked. */
export type Rule<Value = unknown> =
  | EqualsRule<Value>
  | MatchesRule
  | StandardSchema<unknown, unknown>
  | ((value: Value) => Verdict | Promise<Verdict>);

const mostIssues = 20;
const mostCharacters = 500;

/** The value must equal this one, members and all. */
export function equals<const Value>(value: Value): EqualsRule<Value> {
  return { kind: 'equals', value };
}

/** The value must be a text that matches the pattern, wherever in it: anchor the pattern with `^` and `$` where all of it is meant. */
export function matches(pattern: RegExp): MatchesRule {
  // A sticky or global pattern remembers where it stopped, and would judge the same text otherwise the next time.
  return { kind: 'matches', pattern: new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')) };
}

/** Whether something is a rule. */
export function isRule(value: unknown): value is Rule {
  if (typeof value === 'function' || isStandardSchema(value)) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { kind, pattern } = value as { readonly kind?: unknown; readonly pattern?: unknown };
  return (kind === 'equals' && 'value' in value) || (kind === 'matches' && pattern instanceof RegExp);
}

/** A value after a check: with what is wrong with it, or as it goes on: a schema may have changed it. */
export type Checked =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly string[] };

/** Checks a value by a rule. What a rule throws is what is wrong. Never rejects. */
export async function checkValue(rule: Rule, value: unknown): Promise<Checked> {
  try {
    if (isStandardSchema(rule)) return readResult(await rule['~standard'].validate(value));
    if (typeof rule === 'function') return withVerdict(value, await rule(value));
    if (rule.kind === 'equals') {
      const isEqual = isDeepStrictEqual(value, rule.value);
      return isEqual ? { value } : { issues: [`is not ${shown(rule.value)}`] };
    }
    const isMatch = typeof value === 'string' && rule.pattern.test(value);
    return isMatch ? { value } : { issues: [`does not match ${rule.pattern}`] };
  } catch (error) {
    return { issues: [`the check threw: ${shown(error)}`] };
  }
}

/** What a verdict says is wrong; undefined where nothing is. */
export function issuesOf(verdict: unknown): readonly string[] | undefined {
  if (verdict === true) return undefined;
  if (verdict === false) return ['was refused by its check'];
  if (typeof verdict === 'string') return [cut(verdict)];
  if (Array.isArray(verdict) && verdict.every((one) => typeof one === 'string')) {
    return verdict.length === 0 ? undefined : verdict.slice(0, mostIssues).map(cut);
  }
  return [`the check answered ${shown(verdict)}; it has to answer true, or what is wrong`];
}

function withVerdict(value: unknown, verdict: unknown): Checked {
  const issues = issuesOf(verdict);
  return issues === undefined ? { value } : { issues };
}

function readResult(result: unknown): Checked {
  const { issues, value } = (result ?? {}) as { issues?: readonly StandardIssue[]; value?: unknown };
  if (issues === undefined) return { value };
  return { issues: issues.slice(0, mostIssues).map(issueText) };
}

function issueText({ path = [], message }: StandardIssue): string {
  const where = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
  return cut(where === '' ? message : `${where}: ${message}`);
}

/** Anything in a few words, for messages. Never throws. */
export function shown(value: unknown): string {
  try {
    if (value instanceof Error) return cut(`${value.name}: ${value.message}`);
    return cut(typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value)));
  } catch {
    return `a ${typeof value} that can not be shown`;
  }
}

function cut(text: string): string {
  return text.slice(0, mostCharacters);
}
