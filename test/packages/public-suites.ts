import { readSource, resolveRelative } from '../tidy/source.ts';
import type { TextFile } from '../tidy/tree.ts';

const packages = /^@slackwater\/(?:shared|middleware|client-sdk)(?:\/|$)/;

/**
 * The suites that know Slackwater only by what its packages export: neither they nor what they import reach
 * into the sources of a package. They can be run on packed packages as they are. Suites that start programs are left
 * out: those load the packages that were built here, so that nothing would be learned of the packed ones. Of the
 * suites from end to end one goes all the way through the packages; the others would take minutes and load nothing more.
 */
export function publicSuites(files: readonly TextFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files
    .map(({ path }) => path)
    .filter(
      (path) =>
        path.endsWith('.test.ts') &&
        !/^test\/(?:tidy|packages|crash|faults|examples|e2e\/(?!river))/.test(path),
    )
    .filter((path) => {
      const specifiers = reachedFrom(path, byPath, new Set());
      return (
        specifiers.some((name) => packages.test(name)) &&
        !specifiers.some((name) => name.startsWith('packages/') || name === 'node:child_process')
      );
    });
}

/** Every package and every path outside the given files that a file imports, itself or through others. */
function reachedFrom(
  path: string,
  byPath: ReadonlyMap<string, TextFile>,
  seen: Set<string>,
): readonly string[] {
  const file = byPath.get(path);
  if (file === undefined) return [path];
  if (seen.has(path)) return [];
  seen.add(path);
  return readSource(file).imports.flatMap(({ specifier }) => {
    const target = resolveRelative(path, specifier);
    return target === undefined ? [specifier] : reachedFrom(target, byPath, seen);
  });
}
