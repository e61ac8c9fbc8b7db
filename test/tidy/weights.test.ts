import { describe, expect, it } from 'vitest';
import { broughtBy, type Packages } from './lockfile.ts';
import { fileAt, type Manifest, manifests, readTree } from './tree.ts';
import { sentenceOf, statedWeights } from './weights.ts';

const where = 'docs/dependencies.md';

/** What the lockfile says that the installation of a package brings. */
function counted(
  manifest: Manifest,
  packages: Packages,
): readonly [direct: number, all: number, peers: number] {
  const optional = Object.values(manifest.peerDependenciesMeta ?? {}).filter(
    (meta) => meta.optional === true,
  );
  const direct = Object.keys(manifest.dependencies ?? {}).length;
  return [direct, broughtBy(manifest.path.replace('/package.json', ''), packages).size, optional.length];
}

describe('what an installation brings', () => {
  const tree = readTree();
  const stated = statedWeights(fileAt(tree, where));
  const published = manifests(tree).filter((manifest) => manifest.private !== true);
  const { packages } = JSON.parse(fileAt(tree, 'package-lock.json').text) as { packages: Packages };

  it('is stated of every published package', () => {
    expect(stated.map(({ name }) => name).sort()).toEqual(published.map(({ name }) => name).sort());
  });

  it.each(published)('is as many packages as are stated of $name', (manifest) => {
    const row = stated.find(({ name }) => name === manifest.name);
    expect(
      [row?.direct, row?.all, row?.optionalPeers],
      `Direct dependencies, all dependencies and optional peers of ${manifest.name} in ${where} are not those of the lockfile. ` +
        'Is each one that came worth it? Then say so there, and in the README of the package.',
    ).toEqual(counted(manifest, packages));
  });

  it.each(published)('is said in the README of $name as well', (manifest) => {
    const row = stated.find(({ name }) => name === manifest.name);
    const readme = fileAt(tree, manifest.path.replace('package.json', 'README.md')).text.replace(/\s+/g, ' ');
    expect(readme).toContain(row === undefined ? 'its row' : sentenceOf(row));
  });

  it('is read from the table', () => {
    const text =
      '| package | unpacks to less than | direct | all | optional peers |\n| --- | --- | --- | --- | --- |\n| `a` | 1.5 MB | 2 | 3 | 0 |\n';
    const [row] = statedWeights({ path: 'a.md', text });
    expect(row).toEqual({ name: 'a', belowMb: 1.5, direct: 2, all: 3, optionalPeers: 0 });
    expect(row === undefined ? '' : sentenceOf(row)).toBe(
      'Unpacks to less than 1.5 MB and brings 3 packages, 2 of which it depends on itself; no optional peers.',
    );
  });
});
