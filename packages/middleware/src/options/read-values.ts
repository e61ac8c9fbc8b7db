import { OptionInvalidError } from './option-error.ts';
import type { Read } from './read-group.ts';
import { quoted } from './said.ts';

/** Bounds of a number, both included, and what it counts. */
export interface NumberBounds {
  readonly from: number;
  readonly to: number;
  /** To be read after "a number of". */
  readonly of?: string;
  /** Whether it may have a fraction. Default false. */
  readonly fractions?: boolean;
}

/** A number within bounds. */
export function number({ from, to, of, fractions = false }: NumberBounds): Read<number> {
  const what = `${fractions ? 'a' : 'a whole'} number${of === undefined ? '' : ` of ${of}`}`;
  return (value, option) => {
    const fits =
      typeof value === 'number' && value >= from && value <= to && (fractions || Number.isInteger(value));
    // Only for whoever is refused: the first number that is grouped costs a process 20 ms.
    if (!fits)
      throw new OptionInvalidError(option, value, `give ${what} from ${grouped(from)} to ${grouped(to)}`);
    return value;
  };
}

/** A duration in whole ms within bounds, both included. */
export function milliseconds(from: number, to: number): Read<number> {
  return number({ from, to, of: 'milliseconds' });
}

/** True or false. */
export const flag: Read<boolean> = (value, option) => {
  if (typeof value !== 'boolean') throw new OptionInvalidError(option, value, 'give true or false');
  return value;
};

/** One of some words. */
export function oneOf<const Word extends string>(words: readonly Word[]): Read<Word> {
  return (value, option) => {
    const word = words.find((candidate) => candidate === value);
    if (word === undefined)
      throw new OptionInvalidError(option, value, `give ${words.map(quoted).join(' or ')}`);
    return word;
  };
}

/** A text of a given length, without control characters. */
export function text(longest: number, what = 'a text'): Read<string> {
  return (value, option) => {
    if (typeof value !== 'string' || value === '' || value.length > longest || /\p{Cc}/u.test(value)) {
      throw new OptionInvalidError(option, value, `give ${what} of 1 to ${grouped(longest)} characters`);
    }
    return value;
  };
}

/** What names of applications, groups and work types are made of: they stand in URLs, file names and labels. */
export const namePattern: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** {@link namePattern} in words, to be read after "give". */
export const nameRule =
  '1 to 64 letters, digits, dots, hyphens or underscores, beginning with a letter or digit';

/** A name of {@link namePattern}. */
export const plainName: Read<string> = (value, option) => {
  if (typeof value !== 'string' || !namePattern.test(value)) {
    throw new OptionInvalidError(option, value, `give ${nameRule}`);
  }
  return value;
};

/** True for every function, said in the type that the caller knows it to have. */
export function isFunction<Fn>(value: unknown): value is Fn {
  return typeof value === 'function';
}

/** A function; `example` shows one. */
export function functionOf<Fn>(example: string): Read<Fn> {
  return (value, option) => {
    if (!isFunction<Fn>(value))
      throw new OptionInvalidError(option, value, `give a function, such as ${example}`);
    return value;
  };
}

/** A function, or a value that `read` accepts. */
export function orFunction<Value, Fn>(read: Read<Value>): Read<Value | Fn> {
  return (value, option) => (isFunction<Fn>(value) ? value : read(value, option));
}

/** The elements of an array, each read; `advice` says what to give instead of something else. */
export function arrayOf<Item>(read: Read<Item>, longest: number, advice: string): Read<readonly Item[]> {
  return (value, option) => {
    const items = elementsOf(value, option, longest);
    if (items === undefined) throw new OptionInvalidError(option, value, advice);
    return items.map((item, at) => read(item, `${option}[${at}]`));
  };
}

function elementsOf(value: unknown, option: string, longest: number): readonly unknown[] | undefined {
  let length = 0;
  try {
    if (!Array.isArray(value)) return undefined;
    length = value.length;
    if (length <= longest) return Array.from<unknown>(value);
  } catch (cause) {
    throw new OptionInvalidError(option, value, 'reading it threw', { cause });
  }
  throw new OptionInvalidError(option, value, `it has ${grouped(length)} elements; at most ${longest}`);
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
