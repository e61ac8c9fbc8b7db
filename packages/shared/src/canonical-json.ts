import { isWellFormed } from './text.ts';
import { CanonicalJsonError } from './verification-errors.ts';

const maxDepth = 500;

/**
 * The canonical JSON of a value (RFC 8785): members sorted by UTF-16 code units, no white space, numbers as
 * ECMAScript prints them.
 *
 * Takes what JSON can say and nothing else: null, booleans, finite numbers, well-formed strings, arrays, plain
 * objects. Throws `canonical-json-refused`, with the path, for NaN, infinities, undefined (also as a member or an
 * array hole), functions, symbols, bigints, lone surrogates, instances of classes (a Date, a Map, bytes), cycles,
 * and nesting deeper than 500. `toJSON` is not called.
 */
export function canonicalJson(value: unknown): string {
  return writePlain(value, 0) ?? write(value, '$', []);
}

/** The same without paths, for what there is nothing wrong with; undefined where there is. */
function writePlain(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return isWellFormed(value) ? JSON.stringify(value) : undefined;
  if (typeof value === 'boolean' || value === null) return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : undefined;
  if (typeof value !== 'object' || depth >= maxDepth) return undefined;
  if (Array.isArray(value)) return writePlainList(value, depth);
  if (!isPlain(value)) return undefined;
  const members = value as Readonly<Record<string, unknown>>;
  let text = '';
  for (const name of Object.keys(members).sort()) {
    const member = writePlain(members[name], depth + 1);
    if (member === undefined || !isWellFormed(name)) return undefined;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${member}`;
  }
  return `{${text}}`;
}

function writePlainList(list: readonly unknown[], depth: number): string | undefined {
  const items: string[] = [];
  // By index, so that holes are seen.
  for (let i = 0; i < list.length; i++) {
    const item = writePlain(list[i], depth + 1);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return `[${items.join(',')}]`;
}

function write(value: unknown, path: string, ancestors: readonly object[]): string {
  switch (typeof value) {
    case 'boolean':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) throw new CanonicalJsonError(path, `is ${value}, which JSON can't say`);
      return JSON.stringify(value);
    case 'string':
      return writeString(value, path);
    case 'object':
      return value === null ? 'null' : writeObject(value, path, ancestors);
    default:
      throw new CanonicalJsonError(path, `is of type ${typeof value}, which JSON can't say`);
  }
}

function writeString(value: string, path: string): string {
  if (!isWellFormed(value)) throw new CanonicalJsonError(path, 'contains a lone surrogate');
  return JSON.stringify(value);
}

function writeObject(value: object, path: string, ancestors: readonly object[]): string {
  if (ancestors.includes(value)) throw new CanonicalJsonError(path, 'contains itself');
  if (ancestors.length >= maxDepth) throw new CanonicalJsonError(path, `is nested deeper than ${maxDepth}`);
  const inside = [...ancestors, value];
  if (Array.isArray(value)) {
    const items = Array.from(value, (item: unknown, index) => write(item, `${path}[${index}]`, inside));
    return `[${items.join(',')}]`;
  }
  if (!isPlain(value)) throw new CanonicalJsonError(path, 'is an instance of a class; give its JSON form');
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => {
      const at = `${path}.${name}`;
      return `${writeString(name, at)}:${write(member, at, inside)}`;
    });
  return `{${members.join(',')}}`;
}

/** Also for objects of another realm, whose `Object.prototype` is another object. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (typeof prototype === 'object' && Object.getPrototypeOf(prototype) === null);
}
