import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, linksOf, markdownFiles } from './markdown.ts';
import { readTree, type TextFile } from './tree.ts';

/** Links into the tree whose file or heading is not there. Links to the web are not followed. */
function brokenLinks(tree: readonly TextFile[]): readonly string[] {
  const byPath = new Map(tree.map((file) => [file.path, file]));
  const folders = new Set(tree.flatMap(({ path }) => foldersAbove(path)));
  return markdownFiles(tree).flatMap((file) =>
    linksOf(file).flatMap(({ target, line }) => {
      if (/^[a-z][a-z+.-]*:/i.test(target)) return [];
      const [path = '', anchor] = decodeURI(target).split('#');
      const at = path === '' ? file.path : posix.join(posix.dirname(file.path), path).replace(/\/$/, '');
      const found = byPath.get(at);
      const where = `${file.path}:${line} links to ${target}`;
      if (found === undefined)
        return folders.has(at) && anchor === undefined ? [] : [`${where}, which is not there`];
      const missing = anchor !== undefined && found.path.endsWith('.md') && !anchorsOf(found).has(anchor);
      return missing ? [`${where}, which has no such heading`] : [];
    }),
  );
}

function foldersAbove(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return ['.', ...parts.map((_, at) => parts.slice(0, at + 1).join('/'))];
}

/** Documents that no chain of links from the README or the index of docs leads to. */
function unreachable(tree: readonly TextFile[], start: string): readonly string[] {
  const byPath = new Map(markdownFiles(tree).map((file) => [file.path, file]));
  const reached = new Set<string>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = byPath.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    const folder = posix.dirname(path);
    waiting.push(...linksOf(file).map(({ target }) => posix.join(folder, target.split('#')[0] ?? '')));
  }
  return [...byPath.keys()].filter((path) => path.startsWith('docs/') && !reached.has(path));
}

describe('links between documents', () => {
  const tree = readTree();

  it('lead to files and headings that exist', () => {
    expect(brokenLinks(tree)).toEqual([]);
  });

  it('lead from the README to every document', () => {
    expect(unreachable(tree, 'README.md')).toEqual([]);
  });

  it('are found broken', () => {
    const text = `# Here
[a](#here) [b](#gone) [c](./c.md#there) [d](c.md) [e](../src/) [f](https://example.org/x.md) [g](../no.md)`;
    const files = [
      { path: 'docs/a.md', text },
      { path: 'docs/c.md', text: '# Elsewhere' },
      { path: 'docs/lonely.md', text: '' },
      { path: 'src/x.ts', text: '' },
    ];
    expect(brokenLinks(files)).toEqual([
      'docs/a.md:2 links to #gone, which has no such heading',
      'docs/a.md:2 links to ./c.md#there, which has no such heading',
      'docs/a.md:2 links to ../no.md, which is not there',
    ]);
    expect(unreachable(files, 'docs/a.md')).toEqual(['docs/lonely.md']);
  });
});
