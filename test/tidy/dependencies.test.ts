import { describe, expect, it } from 'vitest';
import { codeSpan, tablesOf } from './markdown.ts';
import { fileAt, type Manifest, manifests, readTree, type TextFile } from './tree.ts';

interface Dependency {
  readonly name: string;
  readonly version: string;
}

const fields = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const;

/** What a package.json depends on, the workspaces of this repository left out. */
function dependenciesOf(manifest: Manifest): readonly Dependency[] {
  return fields
    .flatMap((field) => Object.entries(manifest[field] ?? {}))
    .filter(([name]) => !name.startsWith('@slackwater/'))
    .map(([name, version]) => ({ name, version }));
}

/** The rows of the tables headed `package | version ...`. */
function documented(file: TextFile): readonly Dependency[] {
  return tablesOf(file)
    .filter(({ header }) => header[0] === 'package' && header[1] === 'version')
    .flatMap(({ rows }) =>
      rows.map(([name, version]) => ({ name: codeSpan(name) ?? '', version: codeSpan(version) ?? '' })),
    );
}

function differences(used: readonly Dependency[], written: readonly Dependency[]): readonly string[] {
  const lacks = (list: readonly Dependency[], { name, version }: Dependency): boolean =>
    !list.some((other) => other.name === name && other.version === version);
  const complaints = [
    ...used
      .filter((dependency) => lacks(written, dependency))
      .map(({ name, version }) => `${name} ${version} has no row`),
    ...written
      .filter((row) => lacks(used, row))
      .map(({ name, version }) => `${name} ${version} is not depended on`),
  ];
  return [...new Set(complaints)];
}

/**
 * Tools and what is private are pinned, so that everybody runs the same. What published packages depend on
 * leaves their users room: a caret, or for peers any range.
 */
function wrongRanges(manifest: Manifest): readonly string[] {
  const published = manifest.private !== true;
  return fields.flatMap((field) =>
    Object.entries(manifest[field] ?? {}).flatMap(([name, range]) => {
      const own = name.startsWith('@slackwater/');
      const caret = own || (published && field !== 'devDependencies');
      const right = caret
        ? field === 'peerDependencies' || /^\^\d+\.\d+\.\d+$/.test(range)
        : /^(?:npm:(?:@[\w-]+\/)?[\w-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(range);
      return right
        ? []
        : [`${manifest.path}: ${name} "${range}" is no ${caret ? 'caret range' : 'exact version'}`];
    }),
  );
}

describe('dependencies', () => {
  const tree = readTree();
  const all = manifests(tree);

  it('have a row each in docs/dependencies.md, with the same version', () => {
    expect(
      differences(all.flatMap(dependenciesOf), documented(fileAt(tree, 'docs/dependencies.md'))),
    ).toEqual([]);
  });

  it('are exact for tools, and caret ranges for what published packages depend on', () => {
    expect(all.flatMap(wrongRanges)).toEqual([]);
  });

  it('are found undocumented, and rows without use', () => {
    const text =
      '| package | version | why |\n| --- | --- | --- |\n| `a` | `1.0.0` | x |\n| `b` | `2.0.0` | x |\n';
    const used = [
      { name: 'a', version: '1.0.0' },
      { name: 'b', version: '2.0.1' },
    ];
    expect(differences(used, documented({ path: 'dependencies.md', text }))).toEqual([
      'b 2.0.1 has no row',
      'b 2.0.0 is not depended on',
    ]);
  });

  it('are found with the wrong kind of range', () => {
    const tool = {
      path: 'package.json',
      name: 'x',
      private: true,
      devDependencies: { a: '^1.0.0', b: 'npm:c@1.0.0', d: 'latest' },
    };
    const library = {
      path: 'y/package.json',
      name: 'y',
      dependencies: { a: '1.0.0', b: '^1.0.0' },
      peerDependencies: { c: '>=4' },
    };
    expect([tool, library].flatMap(wrongRanges)).toEqual([
      'package.json: a "^1.0.0" is no exact version',
      'package.json: d "latest" is no exact version',
      'y/package.json: a "1.0.0" is no caret range',
    ]);
  });
});
