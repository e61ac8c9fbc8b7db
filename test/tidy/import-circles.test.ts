import { describe, expect, it } from 'vitest';
import { readSource, resolveRelative } from './source.ts';
import { packageSources, readTree, type TextFile } from './tree.ts';

/** The first circle of run-time imports that is found from each file, as the paths along it. */
function circles(sources: readonly TextFile[]): readonly string[] {
  const graph = new Map(
    sources
      .map(readSource)
      .map(({ path, imports }) => [
        path,
        imports
          .filter(({ typeOnly }) => !typeOnly)
          .flatMap(({ specifier }) => resolveRelative(path, specifier) ?? []),
      ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) found.push([...trail.slice(start), path].join(' -> '));
    if (start !== -1 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

describe('circles of imports', { timeout: 180_000 }, () => {
  const tree = readTree();

  it.each(['shared', 'middleware', 'client-sdk'])('there is none in %s', (name) => {
    expect(circles(packageSources(tree, name))).toEqual([]);
  });

  it('are found however long, and types alone make none', () => {
    const complaints = circles([
      { path: 'a.ts', text: "import './b.ts';" },
      { path: 'b.ts', text: "export * from './x/c.ts'; import type {} from './a.ts';" },
      { path: 'x/c.ts', text: "const later = () => import('../b.ts');" },
      { path: 'self.ts', text: "import './self.ts';" },
    ]);
    expect(complaints).toEqual(['b.ts -> x/c.ts -> b.ts', 'self.ts -> self.ts']);
  });
});
