import { describe, expect, it } from 'vitest';
import { entriesOf, publicNames } from './public-names.ts';
import { manifests, packageSources, readTree, type TextFile } from './tree.ts';

function undocumented(sources: readonly TextFile[], entries: readonly string[]): readonly string[] {
  return publicNames(sources, entries).flatMap(({ entry, name, declaredIn, declarations }) => {
    if (declarations.length === 0)
      return [`${entry}: ${name} is exported and declared nowhere in the package`];
    const documented = declarations.some(({ docstring }) => docstring !== undefined);
    return documented ? [] : [`${declaredIn}:${declarations[0]?.line}: ${name} has no docstring`];
  });
}

describe('documentation of what the packages export', { timeout: 180_000 }, () => {
  const tree = readTree();
  const packages = manifests(tree).filter(({ path }) => path.startsWith('packages/'));

  it.each(packages)('is there for every export of $name', (manifest) => {
    const entries = entriesOf(manifest);
    expect(entries).not.toEqual([]);
    expect(undocumented(packageSources(tree), entries)).toEqual([]);
  });

  it('is found missing through re-exports, stars and imports', () => {
    const sources = [
      {
        path: 'index.ts',
        text: "export { a as b } from './a.ts'; export * from './c.ts'; export { lost } from './no.ts';",
      },
      { path: 'a.ts', text: "import { d } from './d.ts'; export const a = 1; export { d };" },
      {
        path: 'c.ts',
        text: "export { d } from './a.ts'; /** Said. */ export function e(): void {} export type F = 1;",
      },
      { path: 'd.ts', text: 'export const d = 1;' },
    ];
    expect(undocumented(sources, ['index.ts', 'gone.ts'])).toEqual([
      'a.ts:1: b has no docstring',
      'd.ts:1: d has no docstring',
      'c.ts:1: F has no docstring',
      'index.ts: lost is exported and declared nowhere in the package',
      'gone.ts: (the entry itself) is exported and declared nowhere in the package',
    ]);
  });

  it('is looked for in the sources that the exports of a package.json are built from', () => {
    const exports = {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './pg': './dist/drivers/pg.js',
    };
    expect(entriesOf({ path: 'packages/x/package.json', exports })).toEqual([
      'packages/x/src/index.ts',
      'packages/x/src/drivers/pg.ts',
    ]);
  });
});
