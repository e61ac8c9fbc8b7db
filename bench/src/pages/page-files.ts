import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readResults } from '../results/result-files.ts';
import { otherPages, pagesFolder, renderPages } from './pages.ts';

const root = new URL('../../../', import.meta.url);

/** The pages as they are, by path from the root of the repository. */
export function readPages(): ReadonlyMap<string, string> {
  const single = readdirSync(new URL(pagesFolder, root))
    .filter((file) => file.endsWith('.md'))
    .sort()
    .map((file) => `${pagesFolder}${file}`);
  return new Map([...otherPages, ...single].map((path) => [path, readFileSync(new URL(path, root), 'utf8')]));
}

/** Makes pages and pictures anew from the results. Gives the paths of those that changed. */
export function writePages(): readonly string[] {
  const rendered = renderPages(readResults(), readPages());
  return [...rendered].flatMap(([path, text]) => {
    if (textAt(path) === text) return [];
    writeFileSync(new URL(path, root), text);
    return [path];
  });
}

/** A file as it is; undefined where there is none. */
export function textAt(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, root), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
