import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One text file of the repository. `path` is relative to its root, with forward slashes. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export const root = fileURLToPath(new URL('../../', import.meta.url));

const notOurs = new Set(['node_modules', 'dist', '.git', '.slackwater', 'coverage']);
const binary = /\.(?:png|jpe?g|gif|ico|woff2?|pdf|tgz|gz|db|sqlite|tsbuildinfo)$/;

/** Every text file somebody wrote, whether or not it was committed yet. */
export function readTree(): readonly TextFile[] {
  return pathsUnder('')
    .filter((path) => !binary.test(path))
    .map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }));
}

function pathsUnder(folder: string): readonly string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true })
    .filter((entry) => !notOurs.has(entry.name))
    .flatMap((entry) => {
      if (entry.isDirectory()) return pathsUnder(`${folder}${entry.name}/`);
      return entry.isFile() ? [`${folder}${entry.name}`] : [];
    })
    .sort();
}

/** The TypeScript sources of the published packages, or of one of them. */
export function packageSources(tree: readonly TextFile[], name = '[^/]+'): readonly TextFile[] {
  const pattern = new RegExp(`^packages/${name}/src/.*\\.ts$`);
  return tree.filter(({ path }) => pattern.test(path));
}

/** TypeScript that is run here and published nowhere: tests, examples, benchmarks and the simulator. */
export function otherSources(tree: readonly TextFile[]): readonly TextFile[] {
  return tree.filter(({ path }) => /^(?:test|examples|bench|simulator)\/.*\.ts$/.test(path));
}

/** Every package.json, parsed. */
export function manifests(tree: readonly TextFile[]): readonly Manifest[] {
  return tree
    .filter(({ path }) => /(?:^|\/)package\.json$/.test(path))
    .map(({ path, text }) => ({ path, ...(JSON.parse(text) as ManifestFields) }));
}

export interface ManifestFields {
  readonly name: string;
  readonly version?: string;
  readonly license?: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface Manifest extends ManifestFields {
  readonly path: string;
}

/** A file that must be there; its absence is the complaint. */
export function fileAt(tree: readonly TextFile[], path: string): TextFile {
  const found = tree.find((file) => file.path === path);
  if (found === undefined) throw new Error(`${path} is missing`);
  return found;
}
