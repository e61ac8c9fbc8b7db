import { describe, expect, it } from 'vitest';
import { entriesOf } from './public-names.ts';
import { fileAt, type Manifest, manifests, readTree, type TextFile } from './tree.ts';

/** Workspaces that differ from the root in version or licence, or name another version of each other. */
function outOfStep(all: readonly Manifest[], root: Manifest): readonly string[] {
  return all.flatMap((manifest) => {
    const own = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.peerDependencies };
    return [
      ...(manifest.version === root.version ? [] : [`${manifest.path} has version ${manifest.version}`]),
      ...(manifest.license === root.license ? [] : [`${manifest.path} has licence ${manifest.license}`]),
      ...Object.entries(own)
        .filter(([name, range]) => name.startsWith('@slackwater/') && range !== `^${root.version}`)
        .map(([name, range]) => `${manifest.path} depends on ${name} ${range}`),
    ];
  });
}

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
    const version = { path: 'a/package.json', name: 'a', version: '1.0.0', license: 'MIT' };
    const range = { ...version, path: 'b/package.json', dependencies: { '@slackwater/shared': '^1.0.0' } };
    expect(
      outOfStep([version, range], { path: 'package.json', name: 'x', version: '1.1.0', license: 'MIT' }),
    ).toEqual([
      'a/package.json has version 1.0.0',
      'b/package.json has version 1.0.0',
      'b/package.json depends on @slackwater/shared ^1.0.0',
    ]);
    const files = [
      { path: 'LICENSE', text: 'a' },
      { path: 'x/LICENSE', text: 'b' },
      { path: 'z/LICENSE', text: 'a' },
    ];
    expect(withoutLicence(files, ['x/', 'y/', 'z/'])).toEqual(['x/', 'y/']);
  });
});
