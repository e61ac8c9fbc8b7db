import type { DatabaseSync } from 'node:sqlite';
import { type Dimension, dimensions } from './schema.ts';

const remembered = 50_000;

/** The texts that rows share, by number. */
export interface Words {
  /** The number of a text, which is given one where it is new. */
  numberOf(dimension: Dimension, text: string): number;
  /** The number, if there is one. */
  known(dimension: Dimension, text: string): number | undefined;
  text(number: number): string;
  /** The numbers of operations with that method, that route, or both. There are as many as routes. */
  operations(method: string | undefined, route: string | undefined): readonly number[];
  /** What was given a number in a transaction that was taken back has none. */
  forget(): void;
}

/** An operation as one text. Methods have no spaces in them. */
export function operationOf(method: string, route: string): string {
  return `${method} ${route}`;
}

/** The texts of an open index. */
export function openWords(database: DatabaseSync): Words {
  const find = database.prepare('SELECT id FROM word WHERE dimension = ? AND text = ?');
  const insert = database.prepare('INSERT INTO word (dimension, text) VALUES (?, ?)');
  const read = database.prepare('SELECT text FROM word WHERE id = ?');
  const all = database.prepare('SELECT id, text FROM word WHERE dimension = ?');
  const numbers = new Map<string, number>();
  const texts = new Map<number, string>();

  function known(dimension: Dimension, text: string): number | undefined {
    const key = `${dimensions[dimension]} ${text}`;
    const cached = numbers.get(key);
    if (cached !== undefined) return cached;
    const row = find.get(dimensions[dimension], text);
    if (row === undefined) return undefined;
    if (numbers.size >= remembered) numbers.clear();
    numbers.set(key, Number(row['id']));
    return Number(row['id']);
  }

  return {
    known,
    numberOf(dimension, text) {
      return known(dimension, text) ?? Number(insert.run(dimensions[dimension], text).lastInsertRowid);
    },
    text(number) {
      const cached = texts.get(number);
      if (cached !== undefined) return cached;
      const text = String(read.get(number)?.['text'] ?? '');
      if (texts.size >= remembered) texts.clear();
      texts.set(number, text);
      return text;
    },
    operations(method, route) {
      if (method !== undefined && route !== undefined) {
        const number = known('operation', operationOf(method, route));
        return number === undefined ? [] : [number];
      }
      const found: number[] = [];
      for (const row of all.iterate(dimensions.operation)) {
        const text = String(row['text']);
        const space = text.indexOf(' ');
        const fits = method === undefined ? text.slice(space + 1) === route : text.slice(0, space) === method;
        if (fits) found.push(Number(row['id']));
      }
      return found;
    },
    forget() {
      numbers.clear();
      texts.clear();
    },
  };
}
