/**
 * What a member of untrusted JSON must be, said in words. A shape lists the members it knows; members that it does
 * not know are left alone.
 */

/** True if the value will do. */
export type Check = (value: unknown) => boolean;

/** A check of one member, and whether the member may be absent. */
export interface MemberShape {
  readonly check: Check;
  /** What the value must be, to be read after "must be". */
  readonly expected: string;
  readonly optional?: true;
  /** Of a text that must match: all that is checked of it, from `^` to `$`. */
  readonly pattern?: RegExp;
}

/** The members of a JSON object by name. */
export type Shape = Readonly<Record<string, MemberShape>>;

/** A shape's members as a list: a shape is made once and compared with every entry. */
const listed = new WeakMap<Shape, readonly (readonly [name: string, member: MemberShape])[]>();

/** Any text. */
export const text: MemberShape = { check: (value) => typeof value === 'string', expected: 'a string' };

/** A text with something in it. */
export const filledText: MemberShape = {
  check: (value) => typeof value === 'string' && value !== '',
  expected: 'a string that is not empty',
};

/** RFC 3339 in UTC. */
export const utcTime: MemberShape = textLike(
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/,
  'an RFC 3339 time in UTC',
);

/** A SHA-256 in base64: 43 digits, the last of which has two bits of padding, and one equals sign. */
export const hashInBase64: MemberShape = textLike(
  /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/,
  'base64 of 32 bytes',
);

/** True or false. */
export const flag: MemberShape = { check: (value) => typeof value === 'boolean', expected: 'a boolean' };

/** A list of texts. */
export const texts: MemberShape = {
  check: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  expected: 'a list of strings',
};

/** A safe integer, not below `least`. */
export function integerFrom(least: number): MemberShape {
  return {
    check: (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= least,
    expected: `an integer from ${least} on`,
  };
}

/** One of the given values. */
export function oneOf(values: readonly unknown[]): MemberShape {
  return {
    check: (value) => values.includes(value),
    expected: values.map((value) => JSON.stringify(value)).join(' or '),
  };
}

function textLike(pattern: RegExp, expected: string): MemberShape {
  return { check: (value) => typeof value === 'string' && pattern.test(value), expected, pattern };
}

/** The same, where the member may be absent. */
export function optional(shape: MemberShape): MemberShape {
  return { ...shape, optional: true };
}

/** A JSON object, not a list and not null. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What is wrong with the value, naming the first member that is; undefined where nothing is. Never throws: what can't
 * be read is wrong.
 */
export function faultOf(value: unknown, shape: Shape): string | undefined {
  try {
    if (!isObject(value)) return 'it is not a JSON object';
    for (const [name, { check, expected, optional }] of membersOf(shape)) {
      // An inherited member is not in the JSON, whatever it is.
      const member = Object.hasOwn(value, name) ? value[name] : undefined;
      if (member === undefined && optional === true) continue;
      if (!check(member)) return `"${name}" must be ${expected}`;
    }
    return undefined;
  } catch {
    return 'it can not be read';
  }
}

function membersOf(shape: Shape): readonly (readonly [name: string, member: MemberShape])[] {
  const known = listed.get(shape);
  if (known !== undefined) return known;
  const members = Object.entries(shape);
  listed.set(shape, members);
  return members;
}
