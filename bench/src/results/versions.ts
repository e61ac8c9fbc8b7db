import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** The versions of installed packages, as this workspace resolves them. Throws where one is not installed. */
export function versionsOf(packages: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    packages.map((name) => {
      const path = findPackageJSON(name, import.meta.url);
      if (path === undefined) throw new Error(`${name} is not installed.`);
      return [name, (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version];
    }),
  );
}
