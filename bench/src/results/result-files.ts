import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Result } from './result.ts';

const folder = new URL('../../../docs/benchmarks/results/', import.meta.url);

/** Every result that was kept, by name. */
export function readResults(): ReadonlyMap<string, Result> {
  const names = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return new Map(
    names.sort().map((file) => {
      const result = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Result;
      return [result.name, result];
    }),
  );
}

/** Keeps a result in the place of the one before. */
export function writeResult(result: Result): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${result.name}.json`, folder), resultText(result));
}

/** A result as JSON to be read and compared line by line: lists of numbers are one line each. */
export function resultText(result: Result): string {
  const number = '(?:null|-?[\\d.eE+-]+)';
  // A line's end is never within a string of JSON.
  const lists = new RegExp(`\\[\\n\\s+(${number}(?:,\\n\\s+${number})*)\\n\\s+\\]`, 'g');
  const text = JSON.stringify(result, null, 2).replace(
    lists,
    (_, inner: string) => `[${inner.replace(/\s+/g, ' ')}]`,
  );
  return `${text}\n`;
}
