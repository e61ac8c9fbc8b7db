import { posix } from 'node:path';
import type { TextFile } from '../tidy/tree.ts';

const packages = /^@slackwater\/(?:shared|middleware|client-sdk)(?:\/|$)/;
/** Nothing would be learned of the packages, or they start processes by the dozen. */
const elsewhere = /^test\/(?:(?:tidy|packages|crash|support)\/|e2e\/sharing-)/;
/** What is imported, and what is named by a path of its own: programs that a test starts. */
const literals = /(?:\b(?:from|import)\s*\(?\s*'([^'\n]+)')|'(\.{1,2}\/[^'\n]*)'/g;

/**
 * The suites that know Slackwater only by what its packages export: neither they nor what they import or start reach
 * into a package's folder. Where they are all run, they are run on the packed packages, and not once more on the sources.
 */
export function publicSuites(files: readonly TextFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files
    .map(({ path }) => path)
    .filter((path) => path.endsWith('.test.ts') && !elsewhere.test(path))
    .filter((path) => {
      const named = reachedFrom(path, byPath, new Set());
      const knowsPackages = named.some((name) => packages.test(name)) || path.startsWith('test/examples/');
      return knowsPackages && !named.some((name) => name.startsWith('packages/'));
    });
}

/** Every package and every path outside the given files that a file names, itself or through others. */
function reachedFrom(
  path: string,
  byPath: ReadonlyMap<string, TextFile>,
  seen: Set<string>,
): readonly string[] {
  const file = byPath.get(path);
  if (file === undefined) return [path];
  if (seen.has(path)) return [];
  seen.add(path);
  return [...file.text.matchAll(literals)].flatMap(([, imported, named]) => {
    const specifier = imported ?? named ?? '';
    if (!specifier.startsWith('.')) return [specifier];
    return reachedFrom(posix.join(posix.dirname(path), specifier), byPath, seen);
  });
}
