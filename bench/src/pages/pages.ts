import type { Result } from '../results/result.ts';
import { headlineTable } from './headlines.ts';
import { fillRegions } from './regions.ts';
import { picturesOf, resultSection } from './result-section.ts';
import { summary, type Topic } from './summary.ts';

/** Where the pages of single benchmarks and all pictures are. */
export const pagesFolder = 'docs/benchmarks/';

/** The files outside that folder that have something of results in them. */
export const otherPages = ['README.md', 'docs/benchmarks.md'] as const;

/**
 * What pages and pictures are to be, by path from the root of the repository: what somebody wrote, with the regions of
 * results filled. The same results and pages give the same bytes.
 */
export function renderPages(
  results: ReadonlyMap<string, Result>,
  pages: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const rendered = new Map<string, string>();
  for (const [path, text] of pages) {
    rendered.set(
      path,
      fillRegions(text, (name) => contentOf(name, path, results, pages)),
    );
  }
  for (const result of results.values()) {
    for (const { file, svg } of picturesOf(result)) rendered.set(`${pagesFolder}${file}`, svg);
  }
  return rendered;
}

function contentOf(
  name: string,
  path: string,
  results: ReadonlyMap<string, Result>,
  pages: ReadonlyMap<string, string>,
): string | undefined {
  if (name === 'summary') return summary(topicsOf(pages), results);
  if (name === 'headlines') return headlineTable(results);
  const result = results.get(name);
  // What stands there of a time before results were kept is better than nothing.
  if (result === undefined) return undefined;
  return resultSection(result, path.startsWith(pagesFolder) ? '' : 'benchmarks/');
}

function topicsOf(pages: ReadonlyMap<string, string>): readonly Topic[] {
  return [...pages].flatMap(([path, text]) => {
    if (!path.startsWith(pagesFolder)) return [];
    return [
      { name: path.slice(pagesFolder.length, -'.md'.length), heading: /^# (.*)$/m.exec(text)?.[1] ?? path },
    ];
  });
}
