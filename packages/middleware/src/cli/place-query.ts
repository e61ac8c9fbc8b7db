import { readFileSync } from 'node:fs';
import { UsageError } from './failures.ts';

/** What stands behind the question mark of a place's URL. */
export interface PlaceQuery {
  /** In front of the question mark. */
  readonly rest: string;
  /** The value of a name, if it is there. */
  get(name: string): string | undefined;
  /** The text of the file that a value names. */
  file(name: string): string | undefined;
  /** A whole number. */
  count(name: string): number | undefined;
  /** `true` or `false`. */
  flag(name: string): boolean | undefined;
}

/**
 * Reads a URL's query, of which only these names are known. Throws a {@link UsageError}, also from its functions; no
 * message shows what is not asked for.
 */
export function readPlaceQuery(scheme: string, url: string, names: readonly string[]): PlaceQuery {
  const at = url.indexOf('?');
  const values = new URLSearchParams(at === -1 ? '' : url.slice(at + 1));
  const unknown = [...values.keys()].find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`${scheme}:...?${unknown}: there is no such setting; there are ${names.join(', ')}`);
  }
  const get = (name: string): string | undefined => {
    const [value, ...more] = values.getAll(name);
    if (value === undefined) return undefined;
    if (value === '' || more.length > 0)
      throw new UsageError(`${scheme}:...?${name}: give it once, and a value`);
    return value;
  };
  const wrong = (name: string, advice: string): UsageError =>
    new UsageError(`${scheme}:...?${name}=${get(name)}: ${advice}`);
  return {
    rest: at === -1 ? url : url.slice(0, at),
    get,
    file(name) {
      const path = get(name);
      if (path === undefined) return undefined;
      try {
        return readFileSync(path, 'utf8');
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        throw wrong(name, `give the path of a file that can be read (${said})`);
      }
    },
    count(name) {
      const value = get(name);
      if (value === undefined) return undefined;
      if (!/^[1-9]\d{0,14}$/.test(value)) throw wrong(name, 'give a whole number');
      return Number(value);
    },
    flag(name) {
      const value = get(name);
      if (value === undefined) return undefined;
      if (value !== 'true' && value !== 'false') throw wrong(name, 'give true or false');
      return value === 'true';
    },
  };
}
