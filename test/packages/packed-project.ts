import { randomBytes } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const variable = 'SLACKWATER_PACKED_PROJECT';

/** Where the packed packages are installed for this run. */
export const packedProject: string =
  process.env[variable] ??
  join(realpathSync(tmpdir()), `slackwater-packed-${randomBytes(6).toString('hex')}`);

/** In the environment of a run it has all its processes agree on that. */
export const packedPlace = { [variable]: packedProject };

interface Exported {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
}

/** What is imported of the packages, each entry by itself, with the file of the packed package that it is. */
export function packedAliases(): readonly { find: RegExp; replacement: string }[] {
  return ['shared', 'middleware', 'client-sdk'].flatMap((folder) => {
    const text = readFileSync(new URL(`../../packages/${folder}/package.json`, import.meta.url), 'utf8');
    const { name, exports } = JSON.parse(text) as Exported;
    return Object.entries(exports).map(([subpath, entry]) => ({
      find: new RegExp(`^${name}${subpath.slice(1)}$`),
      replacement: join(packedProject, 'node_modules', name, entry.default),
    }));
  });
}

const hook = fileURLToPath(new URL('resolve-packed.mjs', import.meta.url));

/** What the processes that a suite starts are told, so that they too load the packed packages. */
export const packedEnvironment = {
  ...packedPlace,
  NODE_OPTIONS: `--import=${pathToFileURL(hook).href}`,
};
