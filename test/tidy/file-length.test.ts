import { describe, expect, it } from 'vitest';
import { otherSources, packageSources, readTree, type TextFile } from './tree.ts';

const wall = 400;
const wantsReason = 300;
const medianBelow = 100;
const otherWall = 600;

/** Sources over 300 lines, each with the reason why it is one thing. A stale line here is a complaint too. */
const reasons: Readonly<Record<string, string>> = {};

function lineCount({ text }: TextFile): number {
  return text.replace(/\n$/, '').split('\n').length;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function tooLong(sources: readonly TextFile[], excused: Readonly<Record<string, string>>): readonly string[] {
  const complaints = sources.flatMap((file) => {
    const lines = lineCount(file);
    if (lines > wall) return [`${file.path}: ${lines} lines, ${wall} is the wall`];
    return lines > wantsReason && excused[file.path] === undefined
      ? [`${file.path}: ${lines} lines, over ${wantsReason} wants a reason`]
      : [];
  });
  const stale = Object.keys(excused).filter(
    (path) => !sources.some((file) => file.path === path && lineCount(file) > wantsReason),
  );
  return [...complaints, ...stale.map((path) => `${path}: excused, but not over ${wantsReason} lines`)];
}

function ofLines(path: string, lines: number): TextFile {
  return { path, text: 'x\n'.repeat(lines) };
}

describe('file lengths', () => {
  const tree = readTree();

  it('keeps each source of a package below the wall, and over 300 lines only with a reason', () => {
    expect(tooLong(packageSources(tree), reasons)).toEqual([]);
  });

  it.each(['shared', 'middleware', 'client-sdk'])('keeps the median source of %s below 100 lines', (name) => {
    expect(median(packageSources(tree, name).map(lineCount))).toBeLessThan(medianBelow);
  });

  it('keeps each test, example and benchmark within 600 lines', () => {
    expect(otherSources(tree).filter((file) => lineCount(file) > otherWall)).toEqual([]);
  });

  it('finds a file over the wall, one without a reason, and a reason without a file', () => {
    const sources = [ofLines('wall.ts', 401), ofLines('long.ts', 301), ofLines('fine.ts', 300)];
    expect(tooLong(sources, { 'wall.ts': 'none is good enough', 'fine.ts': 'was longer once' })).toEqual([
      'wall.ts: 401 lines, 400 is the wall',
      'long.ts: 301 lines, over 300 wants a reason',
      'fine.ts: excused, but not over 300 lines',
    ]);
    expect(median([1, 100, 3])).toBe(3);
  });
});
