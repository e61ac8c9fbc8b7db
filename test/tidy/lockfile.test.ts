import { describe, expect, it } from 'vitest';
import { broughtBy, candidates, type Packages } from './lockfile.ts';
import { fileAt, readTree } from './tree.ts';

/**
 * Dependencies without an entry. Where one is missing, if only for another platform, `npm ci` refuses the
 * lockfile everywhere.
 */
function gaps(packages: Packages): readonly string[] {
  return Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !candidates(path, name).some((candidate) => packages[candidate] !== undefined))
      .map((name) => `${path} needs ${name}`),
  );
}

/** Hosts that packages were downloaded from belong to whoever ran the installation. */
function hosts(packages: Packages): readonly string[] {
  return Object.entries(packages)
    .filter(([, { resolved, link }]) => resolved !== undefined && link !== true)
    .map(([path, { resolved }]) => `${path} comes from ${resolved}`);
}

describe('the lockfile', () => {
  const { packages } = JSON.parse(fileAt(readTree(), 'package-lock.json').text) as { packages: Packages };

  it('has every dependency of every platform', () => {
    expect(gaps(packages)).toEqual([]);
  });

  it('names no registry', () => {
    expect(hosts(packages)).toEqual([]);
  });

  it('is found with gaps and hosts', () => {
    const locked: Packages = {
      '': { dependencies: { a: '1', gone: '1' } },
      'node_modules/a': {
        resolved: 'https://example.org/a.tgz',
        optionalDependencies: { b: '1', '@c/d': '1' },
      },
      'node_modules/a/node_modules/b': { dependencies: { a: '1', e: '1' } },
      'node_modules/@x/y': { resolved: 'packages/y', link: true },
      'packages/y': { dependencies: { f: '1' } },
      'packages/y/node_modules/f': {},
    };
    expect(gaps(locked)).toEqual([
      ' needs gone',
      'node_modules/a needs @c/d',
      'node_modules/a/node_modules/b needs e',
    ]);
    expect(hosts(locked)).toEqual(['node_modules/a comes from https://example.org/a.tgz']);
  });

  it('says what an installation brings: what its package depends on, links followed, and what those do', () => {
    const locked: Packages = {
      'packages/x': { dependencies: { '@y/z': '1', a: '1' } },
      'node_modules/@y/z': { resolved: 'packages/z', link: true },
      'packages/z': { dependencies: { a: '2' } },
      'packages/z/node_modules/a': {},
      'node_modules/a': { dependencies: { b: '1' } },
      'node_modules/b': { dependencies: { a: '1' } },
      'node_modules/c': {},
    };
    expect([...broughtBy('packages/x', locked)].sort()).toEqual([
      'node_modules/a',
      'node_modules/b',
      'packages/z',
      'packages/z/node_modules/a',
    ]);
  });
});
