import { describe, expect, it } from 'vitest';
import { outOfStep } from './in-step.ts';
import { entriesOf } from './public-names.ts';
import { fileAt, type Manifest, manifests, readTree, type TextFile } from './tree.ts';

/** What users import, with the source that tests read in its place: `@slackwater/middleware/pg`. */
function specifiersOf(manifest: Manifest): readonly (readonly [specifier: string, source: string])[] {
  const sources = entriesOf(manifest);
  return Object.keys(manifest.exports ?? {}).map((subpath, at) => [
    `${manifest.name}${subpath.slice(1)}`,
    `../${sources[at]}`,
  ]);
}

function withoutLicence(tree: readonly TextFile[], folders: readonly string[]): readonly string[] {
  const text = fileAt(tree, 'LICENSE').text;
  return folders.filter((folder) => tree.find(({ path }) => path === `${folder}LICENSE`)?.text !== text);
}

describe('the packages of this repository', () => {
  const tree = readTree();
  const all = manifests(tree);
  const root = all.find(({ path }) => path === 'package.json');
  const published = all.filter((manifest) => manifest.private !== true);

  it('have one version and one licence', () => {
    expect(root).toBeDefined();
    expect(root === undefined ? [] : outOfStep(all, root)).toEqual([]);
  });

  it('bring the text of the licence where they are published', () => {
    const folders = published.map(({ path }) => path.replace('package.json', ''));
    expect(folders).toHaveLength(3);
    expect(withoutLicence(tree, folders)).toEqual([]);
  });

  it('are read from their sources by the tests, each of their entries', () => {
    const { compilerOptions } = JSON.parse(fileAt(tree, 'test/tsconfig.json').text) as {
      compilerOptions: { paths: Record<string, readonly string[]> };
    };
    const expected = published.flatMap(specifiersOf).map(([specifier, source]) => [specifier, [source]]);
    expect(compilerOptions.paths).toEqual(Object.fromEntries(expected));
  });

  it('are found out of step', () => {
    const shared = { path: 'a/package.json', name: 'a', version: '1.1.0', license: 'MIT' };
    const behind = { ...shared, path: 'b/package.json', name: 'b', version: '1.0.0' };
    const range = {
      ...shared,
      path: 'c/package.json',
      name: 'c',
      dependencies: { a: '^1.0.0', b: '^1.0.0' },
    };
    const ours = { ...behind, path: 'd/package.json', name: 'd', private: true, license: 'ISC' };
    expect(outOfStep([shared, behind, range, ours], { license: 'MIT' })).toEqual([
      'b/package.json has version 1.0.0',
      'c/package.json depends on a ^1.0.0',
      'd/package.json has licence ISC',
    ]);
    const files = [
      { path: 'LICENSE', text: 'a' },
      { path: 'x/LICENSE', text: 'b' },
      { path: 'z/LICENSE', text: 'a' },
    ];
    expect(withoutLicence(files, ['x/', 'y/', 'z/'])).toEqual(['x/', 'y/']);
  });
});
