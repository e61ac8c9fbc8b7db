import { type Declaration, readSource, resolveRelative, type Source } from './source.ts';
import type { Manifest, TextFile } from './tree.ts';

/** A name that users can import, and where it is declared. */
export interface PublicName {
  readonly entry: string;
  readonly name: string;
  /** The file that declares it; undefined where that can't be found. */
  readonly declaredIn: string | undefined;
  /** True where nothing of it is there at run time. */
  readonly typeOnly: boolean;
  /** One for each declaration of that name: overloads, or a type beside a value. */
  readonly declarations: readonly Declaration[];
}

type Found = Omit<PublicName, 'entry' | 'name'>;

const nowhere: Found = { declaredIn: undefined, typeOnly: false, declarations: [] };

/** The sources behind the `exports` of a package.json: `./dist/a.js` is built from `src/a.ts`. */
export function entriesOf({ path, exports = {} }: Pick<Manifest, 'path' | 'exports'>): readonly string[] {
  const folder = path.replace(/package\.json$/, '');
  return Object.values(exports)
    .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
    .filter((target) => /^\.\/dist\/.*(?<!\.d)\.[jt]s$/.test(target))
    .map((target) => `${folder}src/${target.replace('./dist/', '').replace(/\.js$/, '.ts')}`);
}

/** Every name that the entries export, followed through re-exports to its declaration. */
export function publicNames(sources: readonly TextFile[], entries: readonly string[]): readonly PublicName[] {
  const byPath = new Map(sources.map((file) => [file.path, readSource(file)]));
  return entries.flatMap((entry) => {
    const source = byPath.get(entry);
    if (source === undefined) return [{ entry, name: '(the entry itself)', ...nowhere }];
    return namesOf(source, byPath).map((name) => ({ entry, name, ...declarationOf(source, name, byPath) }));
  });
}

function namesOf(source: Source, byPath: ReadonlyMap<string, Source>): readonly string[] {
  const names = source.exports.flatMap(({ name, from }) => {
    if (name !== '*') return [name];
    const target = byPath.get(resolveRelative(source.path, from ?? '') ?? '');
    return target === undefined ? [name] : namesOf(target, byPath);
  });
  return [...new Set(names)];
}

function declarationOf(source: Source, name: string, byPath: ReadonlyMap<string, Source>): Found {
  const explicit = source.exports.find((candidate) => candidate.name === name);
  const candidates = explicit === undefined ? source.exports.filter((star) => star.name === '*') : [explicit];
  for (const { from, local, typeOnly } of candidates) {
    if (from === undefined) return { typeOnly, ...declaredHere(source, local) };
    const target = byPath.get(resolveRelative(source.path, from) ?? '');
    if (target === undefined) continue;
    const found = declarationOf(target, local === '*' ? name : local, byPath);
    if (found.declarations.length > 0) return { ...found, typeOnly: typeOnly || found.typeOnly };
  }
  return nowhere;
}

function declaredHere(source: Source, local: string): Omit<Found, 'typeOnly'> {
  return {
    declaredIn: source.path,
    declarations: source.declarations.filter((declaration) => declaration.name === local),
  };
}
