import type { Manifest } from './tree.ts';

/** Published packages that differ in version, workspaces of another licence than the root, and those that depend on another version of each other. */
export function outOfStep(all: readonly Manifest[], root: Pick<Manifest, 'license'>): readonly string[] {
  const versions = new Map(all.map(({ name, version }) => [name, version]));
  const published = all.filter((manifest) => manifest.private !== true);
  return all.flatMap((manifest) => {
    const own = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.peerDependencies };
    const differs = manifest.private !== true && manifest.version !== published[0]?.version;
    return [
      ...(differs ? [`${manifest.path} has version ${manifest.version}`] : []),
      ...(manifest.license === root.license ? [] : [`${manifest.path} has licence ${manifest.license}`]),
      ...Object.entries(own)
        .filter(([name, range]) => versions.has(name) && range !== `^${versions.get(name)}`)
        .map(([name, range]) => `${manifest.path} depends on ${name} ${range}`),
    ];
  });
}
