import { nearestName } from './nearest-name.ts';
import { OptionInvalidError, OptionUnknownError } from './option-error.ts';
import { quoted } from './said.ts';

/** Gives back an option's value, or throws naming the option. `undefined` never comes here: it is an option left out. */
export type Read<Value> = (value: unknown, option: string) => Value;

/** How each option of a group is read. */
export type Readers<Group> = { readonly [Name in keyof Group]-?: Read<Exclude<Group[Name], undefined>> };

/** What is said of a group when it is refused. */
export interface GroupWords {
  /** What to give instead of something that is no group, to be read after a semicolon. */
  readonly advice: string;
  /** Full names of options of other groups that may have been meant. */
  readonly elsewhere?: readonly string[];
}

/** The name of an option within another one: `workTypes.settle`, or `routes["POST /orders"]`. */
export function within(group: string, name: string): string {
  if (!/^[\w$.-]{1,64}$/.test(name)) return `${group}[${quoted(name)}]`;
  return group === '' ? name : `${group}.${name}`;
}

/**
 * The options of a group, each read; those left out are not in it. Each is looked at once, so that what was checked is
 * what is used. Throws `option-invalid` and `option-unknown`.
 */
export function readGroup<Group extends object>(
  value: unknown,
  group: string,
  readers: Readers<Group>,
  { advice, elsewhere = [] }: GroupWords,
): { readonly [Name in keyof Group]?: Exclude<Group[Name], undefined> } {
  const read: [string, unknown][] = [];
  for (const [name, member] of entriesOf(value, group, advice)) {
    const option = within(group, name);
    const reader = readerOf(readers, name);
    if (reader === undefined) throw unknownOption(group, name, Object.keys(readers), elsewhere);
    if (member !== undefined) read.push([name, reader(member, option)]);
  }
  return Object.fromEntries(read) as { [Name in keyof Group]?: Exclude<Group[Name], undefined> };
}

/** The members of a plain object, each read once. Throws `option-invalid` for anything else. */
export function entriesOf(
  value: unknown,
  option: string,
  advice: string,
): readonly (readonly [string, unknown])[] {
  let entries: readonly [string, unknown][];
  try {
    if (!isPlain(value)) throw new OptionInvalidError(option === '' ? 'options' : option, value, advice);
    entries = Object.entries(value);
  } catch (cause) {
    if (cause instanceof OptionInvalidError) throw cause;
    throw new OptionInvalidError(option === '' ? 'options' : option, value, 'reading it threw', { cause });
  }
  return entries;
}

/** A class's instance may keep its members where nobody sees them, so it is refused rather than half read. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Of another realm (a vm's context) Object.prototype is another one; either has no prototype itself.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function readerOf<Group extends object>(readers: Readers<Group>, name: string): Read<unknown> | undefined {
  return Object.hasOwn(readers, name) ? readers[name as keyof Group] : undefined;
}

function unknownOption(
  group: string,
  name: string,
  known: readonly string[],
  elsewhere: readonly string[],
): OptionUnknownError {
  const meant = nearestName(name, known.map((own) => within(group, own)).concat(elsewhere));
  const question = meant === undefined ? '' : `did you mean ${meant}? `;
  return new OptionUnknownError(within(group, name), `${question}known here are ${known.join(', ')}`);
}
