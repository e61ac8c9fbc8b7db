/** What entries that have the same members read like, as one regular expression: it finds their values in one pass. */
import type { LedgerEntry } from './entry.ts';
import { shapeOfMember } from './entry-codec.ts';
import { type Check, isObject } from './json-shape.ts';

/** What stands between the quotes of a text without escapes. */
const plain = '[^"\\\\\\u0000-\\u001f]*';
/** Matches no text at all. */
const nothing = '(?!)';
const plainName = /^[ !#-[\]-~]*$/;
const longestPattern = 8_192;
/** Members that are the same in most entries of a ledger, or tell one kind from another: part of the pattern as they are. */
const fixed: ReadonlySet<string> = new Set<keyof LedgerEntry>(['v', 'type', 'group', 'application']);
/** With at most 15 digits and a point: those come back from ECMAScript as they were written. */
const longestPlainNumber = 16;
const plainNumber = /^(?:0|[1-9][0-9]{0,14}|(?:0|[1-9][0-9]*)\.[0-9]{0,4}[1-9])$/;

/** A value without names in it: what it reads like, in one group, and what the text of that group stands for; undefined for none. */
interface Leaf {
  readonly pattern: string;
  readonly read: (said: string) => unknown;
}

const numberLeaf: Leaf = {
  pattern: '(-?[0-9][0-9.e+-]*)',
  // What ECMAScript prints otherwise is not canonical.
  read: (said) => {
    const isPlain = said.length <= longestPlainNumber && plainNumber.test(said);
    return isPlain || String(Number(said)) === said ? Number(said) : undefined;
  },
};
const flagLeaf: Leaf = { pattern: '(true|false)', read: (said) => said === 'true' };
const nullLeaf: Leaf = { pattern: '(null)', read: () => null };
const textsLeaf: Leaf = {
  pattern: `(\\[(?:"${plain}"(?:,"${plain}")*)?\\])`,
  read: (said) => JSON.parse(said) as unknown,
};
const noLeaf: Leaf = { pattern: `(${nothing})`, read: () => undefined };

/** A value whose groups are those from `first` up to, not including, `end`: a leaf, or an object of such values. */
interface Value {
  readonly first: number;
  readonly end: number;
  readonly pattern: string;
  readonly of: Leaf | readonly Member[];
}

interface Member {
  readonly name: string;
  readonly value: Value;
  /** What the pattern does not check. */
  readonly check: Check | undefined;
}

/**
 * The members that entries have in common, and what they said in the last one: of the next no more is looked at than what differs. Each value
 * ends where its first character says, so the expression never tries a text in two ways: one pass, two where it does not match.
 */
export class EntryLayout {
  readonly #pattern: RegExp;
  /** By group. */
  readonly #memberOf: readonly (Member | undefined)[];
  /** What each group said last. It is part of a value that passed its check. */
  readonly #said: string[];
  readonly #values: Record<string, unknown>;

  private constructor(pattern: RegExp, members: readonly Member[], said: string[], entry: LedgerEntry) {
    this.#pattern = pattern;
    this.#memberOf = said.map((_, group) =>
      members.find(({ value }) => value.first <= group && group < value.end),
    );
    this.#said = said;
    this.#values = { ...entry };
  }

  /** The layout of an entry that passed every check, from its UTF-8 text; undefined where something in it is not plain. */
  static of(entry: LedgerEntry, text: string): EntryLayout | undefined {
    const members = membersOf({ ...entry }, 1, true);
    const source = objectPattern(members);
    if (source.length > longestPattern) return undefined;
    const pattern = new RegExp(`^${source}$`);
    const found = pattern.exec(text);
    return found === null ? undefined : new EntryLayout(pattern, members, [...found], entry);
  }

  /** The entry of a text that is laid out so; undefined where it is not one for certain. */
  take(text: string): LedgerEntry | undefined {
    const found = this.#pattern.exec(text);
    if (found === null) return undefined;
    const said = this.#said;
    for (let group = 1; group < said.length; group++) {
      if (found[group] === said[group]) continue;
      const member = this.#memberOf[group];
      if (member === undefined || !this.#take(member, found)) return undefined;
      group = member.value.end - 1;
    }
    return { ...this.#values } as unknown as LedgerEntry;
  }

  /** Takes over what a member says, unless that will not do. */
  #take({ name, value, check }: Member, found: readonly string[]): boolean {
    const read = valueIn(value, found);
    if (read === undefined || (check !== undefined && !check(read))) return false;
    this.#values[name] = read;
    for (let group = value.first; group < value.end; group++) this.#said[group] = found[group] ?? '';
    return true;
  }
}

/** Undefined where one of its leaves is none. */
function valueIn({ first, of }: Value, found: readonly string[]): unknown {
  if ('read' in of) return of.read(found[first] ?? '');
  const object: Record<string, unknown> = {};
  for (const { name, value } of of) {
    const read = valueIn(value, found);
    if (read === undefined) return undefined;
    object[name] = read;
  }
  return object;
}

/** In the object's order. Where that is not the text's, for names that are integers come first, the pattern does not match. */
function membersOf(object: Readonly<Record<string, unknown>>, first: number, isEntry = false): Member[] {
  let end = first;
  return Object.entries(object).map(([name, said]) => {
    const { check, pattern } = (isEntry ? shapeOfMember(name) : undefined) ?? {};
    const value = isEntry && fixed.has(name) ? fixedValue(said, end) : shapeOf(said, end, pattern);
    end = value.end;
    return { name, value, check: pattern === undefined ? check : undefined };
  });
}

function fixedValue(value: unknown, first: number): Value {
  return { first, end: first, pattern: literally(JSON.stringify(value)), of: [] };
}

function shapeOf(value: unknown, first: number, pattern?: RegExp): Value {
  if (isObject(value)) {
    const of = membersOf(value, first);
    return { first, end: of.at(-1)?.value.end ?? first, pattern: objectPattern(of), of };
  }
  const leaf = leafOf(value, pattern);
  return { first, end: first + 1, pattern: leaf.pattern, of: leaf };
}

function objectPattern(members: readonly Member[]): string {
  return `\\{${members.map(({ name, value }) => `${namePattern(name)}${value.pattern}`).join(',')}\\}`;
}

function leafOf(value: unknown, pattern: RegExp | undefined): Leaf {
  if (typeof value === 'string') {
    return { pattern: `"(${pattern?.source.slice(1, -1) ?? plain})"`, read: (said) => said };
  }
  if (typeof value === 'number') return numberLeaf;
  if (typeof value === 'boolean') return flagLeaf;
  if (value === null) return nullLeaf;
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? textsLeaf : noLeaf;
}

function namePattern(name: string): string {
  // No value can be set under the other name.
  if (!plainName.test(name) || name === '__proto__') return nothing;
  return literally(`"${name}":`);
}

function literally(text: string): string {
  return text.replace(/[^\w ]/g, '\\$&');
}
