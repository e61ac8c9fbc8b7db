import { errorCodes, reasonCodes } from '@slackwater/shared';
import { describe, expect, it } from 'vitest';
import { warningCodes } from '../../packages/middleware/src/options/gate-events.ts';
import { codeSpan, tablesOf } from './markdown.ts';
import { fileAt, readTree, type TextFile } from './tree.ts';

/** The code spans in the first column of a file's tables, where the column is headed so. */
function documentedCodes(file: TextFile, column: 'code' | 'reason' | 'warning'): readonly string[] {
  return tablesOf(file)
    .filter(({ header }) => header[0]?.toLowerCase() === column)
    .flatMap(({ rows }) => rows.flatMap(([cell]) => codeSpan(cell) ?? []));
}

/** Codes without a line, lines without a code, and codes with two lines. */
function mismatches(codes: readonly string[], documented: readonly string[]): readonly string[] {
  return [
    ...codes.filter((code) => !documented.includes(code)).map((code) => `${code} has no line`),
    ...documented.filter((code) => !codes.includes(code)).map((code) => `${code} is no code`),
    ...documented
      .filter((code, at) => documented.indexOf(code) !== at)
      .map((code) => `${code} has two lines`),
  ];
}

describe('docs/reference/errors.md', () => {
  const tree = readTree();

  it('has a line for every error code, and none for anything else', () => {
    expect(mismatches(errorCodes, documentedCodes(fileAt(tree, 'docs/reference/errors.md'), 'code'))).toEqual(
      [],
    );
  });

  it('has a line for every reason, and none for anything else', () => {
    expect(
      mismatches(reasonCodes, documentedCodes(fileAt(tree, 'docs/reference/errors.md'), 'reason')),
    ).toEqual([]);
  });

  it('has a line for every warning, and none for anything else', () => {
    expect(
      mismatches(warningCodes, documentedCodes(fileAt(tree, 'docs/reference/errors.md'), 'warning')),
    ).toEqual([]);
  });

  it('is found lacking', () => {
    const text =
      '| code | says |\n| --- | --- |\n| `a` | x |\n| `b` | x |\n| `b` | x |\n\n| reason |\n| --- |\n| `c` |\n';
    const documented = documentedCodes({ path: 'errors.md', text }, 'code');
    expect(mismatches(['a', 'c'], documented)).toEqual([
      'c has no line',
      'b is no code',
      'b is no code',
      'b has two lines',
    ]);
  });
});
