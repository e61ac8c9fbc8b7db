/** One entry of a package-lock.json. */
export interface Locked {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The entries of a package-lock.json, by path. */
export type Packages = Readonly<Record<string, Locked>>;

/** Where Node would look for a dependency of the package at `path`, nearest first. */
export function candidates(path: string, name: string): readonly string[] {
  const parts = path.split('/');
  const folders = parts.map((_, at) => parts.slice(0, parts.length - at).join('/'));
  const beneath = folders.filter((folder) => folder !== '' && !folder.endsWith('node_modules'));
  return [...beneath.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`];
}

/** The paths of all that an installation of the package at `path` brings, itself and peers left out. */
export function broughtBy(path: string, packages: Packages): ReadonlySet<string> {
  const brought = new Set<string>();
  const waiting = [path];
  for (let from = waiting.pop(); from !== undefined; from = waiting.pop()) {
    for (const name of Object.keys(packages[from]?.dependencies ?? {})) {
      const at = candidates(from, name).find((candidate) => packages[candidate] !== undefined);
      const locked = packages[at ?? ''];
      const target = locked?.link === true ? locked.resolved : at;
      if (target === undefined || brought.has(target)) continue;
      brought.add(target);
      waiting.push(target);
    }
  }
  return brought;
}
