import { Visitor } from 'rolldown/utils';
import { describe, expect, it } from 'vitest';
import { lineOf, parse } from './source.ts';
import { fileAt, otherSources, packageSources, readTree, type TextFile } from './tree.ts';

interface Ban {
  readonly pattern: RegExp;
  readonly because: string;
}

// Patterns are put together from pieces so that this file does not contain what it looks for.
const marks: Ban = {
  pattern: new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`),
  because: 'unfinished',
};
const homePaths: Ban = {
  pattern: new RegExp(`(?<![\\w.:/-])/(?:${['home', 'work', 'root', 'Users'].join('|')})/\\w`),
  because: "names a folder of somebody's machine",
};
const silenced: Ban = {
  pattern: new RegExp(['@ts-' + '(?:ignore|expect-error|nocheck)', 'biome-' + 'ignore'].join('|')),
  because: 'silences a check',
};
const skipped: Ban = {
  pattern:
    /\b(?:it|test|describe)(?:\.\w+)*\.(?:skip|only|todo|fails|skipIf|runIf)\b|\b(?:xit|xdescribe|fdescribe)\(/,
  because: 'is not run, or keeps others from it',
};

function found(files: readonly TextFile[], bans: readonly Ban[]): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        bans
          .filter(({ pattern }) => pattern.test(line))
          .map(({ because }) => `${path}:${index + 1} ${because}: ${line.trim()}`),
      ),
  );
}

/** Calls of the console, and the type that switches types off. */
function consoleAndAny(file: TextFile): readonly string[] {
  const complaints: string[] = [];
  const at = (start: number, what: string): void => {
    complaints.push(`${file.path}:${lineOf(file.text, start)} ${what}`);
  };
  new Visitor({
    MemberExpression(node) {
      if (node.object.type === 'Identifier' && node.object.name === 'console')
        at(node.start, 'writes to the console');
    },
    TSAnyKeyword: (node) => at(node.start, 'says any'),
    TSNonNullExpression: (node) => at(node.start, 'says !'),
  }).visit(parse(file).program);
  return complaints;
}

const timers = new Set(['setTimeout', 'setInterval']);
const clocks = new Set(['Date.now', 'performance.now', 'process.hrtime', 'hrtime.bigint']);

/** Time that does not come from the clock. `new Date(ms)` is a format, not a source. */
function otherTime(file: TextFile): readonly string[] {
  const complaints: string[] = [];
  const at = (start: number, name: string): void => {
    complaints.push(`${file.path}:${lineOf(file.text, start)} takes time from ${name}`);
  };
  new Visitor({
    CallExpression({ callee, start }) {
      const name = file.text.slice(callee.start, callee.end);
      if (timers.has(name.replace(/^globalThis\./, '')) || clocks.has(name)) at(start, name);
    },
    NewExpression({ callee, arguments: given, start }) {
      if (callee.type === 'Identifier' && callee.name === 'Date' && given.length === 0)
        at(start, 'new Date()');
    },
  }).visit(parse(file).program);
  return complaints;
}

describe('what the tree must not contain', () => {
  const tree = readTree();
  const lockfile = fileAt(tree, 'package-lock.json');

  it('has no unfinished marks and no paths of a machine', () => {
    expect(
      found(
        tree.filter((file) => file !== lockfile),
        [marks, homePaths],
      ),
    ).toEqual([]);
  });

  it('silences no check', () => {
    expect(found([...packageSources(tree), ...otherSources(tree)], [silenced])).toEqual([]);
  });

  it('skips no test', () => {
    expect(found(otherSources(tree), [skipped])).toEqual([]);
  });

  it('has packages that write nothing to the console and know every type', () => {
    expect(packageSources(tree).flatMap(consoleAndAny)).toEqual([]);
  });

  it('has one source of time in the middleware', () => {
    const sources = packageSources(tree, 'middleware').filter(({ path }) => !path.endsWith('/src/clock.ts'));
    expect(sources.flatMap(otherTime)).toEqual([]);
  });
});

describe('the check of what the tree must not contain', () => {
  const file = (...lines: readonly string[]): TextFile => ({ path: 'a.ts', text: lines.join('\n') });

  it.each([
    [marks, '// TO' + 'DO: later'],
    [homePaths, "const path = '/ho" + "me/me/x';"],
    [silenced, '// @ts-' + 'ignore'],
    [silenced, '// biome-' + 'ignore lint: no'],
    [skipped, 'it.sk' + "ip('x')"],
    [skipped, 'describe.on' + "ly('x')"],
    [skipped, 'it.sk' + "ipIf(true)('x')"],
  ])('finds %o in %s', (ban, line) => {
    expect(found([file('fine', line)], [ban])).toEqual([`a.ts:2 ${ban.because}: ${line}`]);
  });

  it('lets routes and words pass that only look alike', () => {
    const lines = [
      "get('/work-types/:name')",
      "'/slackwater/root/x'",
      'todos.filter(only)',
      'xml',
      'https://a.b/home/c',
    ];
    expect(found([file(...lines)], [marks, homePaths, silenced, skipped])).toEqual([]);
  });

  it('finds console, any and time in code, not in words', () => {
    const text = file(
      "console.log('x');",
      'const a = b as any, c = (d: any[]) => d!;',
      '// any console.log; Date.now()',
      'setTimeout(f, Date.now()); new Date(1); new Date();',
    );
    expect(consoleAndAny(text)).toEqual([
      'a.ts:1 writes to the console',
      'a.ts:2 says any',
      'a.ts:2 says any',
      'a.ts:2 says !',
    ]);
    expect(otherTime(text)).toEqual([
      'a.ts:4 takes time from setTimeout',
      'a.ts:4 takes time from Date.now',
      'a.ts:4 takes time from new Date()',
    ]);
  });
});
