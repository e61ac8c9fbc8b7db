import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Where the bundle is; the same place for every run, so that what Node has compiled of it is found again. */
export const bundleFolder: string = join(root, 'node_modules/.slackwater-bundle');

/** By what is imported, or by the path of a program, the file of the bundle that is loaded instead. */
export type BundleTable = Readonly<Record<string, string>>;

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const folders = ['shared', 'middleware', 'client-sdk'] as const;
const dist = (folder: string): string => join(root, 'packages', folder, 'dist');

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')) as Manifest;
}

/** What a file of a package's `dist` is in the bundle. */
function placeOf(file: string): string {
  return relative(join(root, 'packages'), file).replaceAll('\\', '/').replace('/dist/', '/');
}

/**
 * Before a run of tests: rolls the built packages into few files, which processes that tests start load instead. A process
 * that lives for a second would spend most of it on finding and reading nine hundred. Does nothing where nothing is built or what was built is
 * bundled already.
 */
export default async function bundlePackages(): Promise<void> {
  if (folders.some((folder) => !existsSync(join(dist(folder), 'index.js')))) return;
  const stamp = stampOf();
  const stampFile = join(bundleFolder, 'stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  mkdirSync(dirname(bundleFolder), { recursive: true });
  const attempt = mkdtempSync(`${bundleFolder}-`);
  try {
    await bundleTo(attempt);
    writeFileSync(join(attempt, 'stamp'), stamp);
    if (existsSync(bundleFolder)) renameSync(bundleFolder, join(attempt, 'before'));
    renameSync(attempt, bundleFolder);
  } finally {
    rmSync(attempt, { recursive: true, force: true });
    rmSync(join(bundleFolder, 'before'), { recursive: true, force: true });
  }
}

/** Of all that the bundle is made of. */
function stampOf(): string {
  const hash = createHash('sha256');
  for (const folder of folders) {
    for (const file of globSync('**/*.js', { cwd: dist(folder) }).sort()) {
      const { mtimeMs, size } = statSync(join(dist(folder), file));
      hash.update(`${folder} ${file} ${mtimeMs} ${size}\n`);
    }
  }
  for (const file of [fileURLToPath(import.meta.url), join(root, 'package-lock.json')])
    hash.update(readFileSync(file));
  return hash.digest('hex');
}

async function bundleTo(folder: string): Promise<void> {
  const input: Record<string, string> = {};
  const table: Record<string, string> = {};
  const enter = (file: string, ...names: readonly string[]): void => {
    const place = placeOf(file);
    input[place.replace(/\.js$/, '')] = file;
    for (const name of names) table[name] = pathToFileURL(join(bundleFolder, place)).href;
  };
  for (const one of folders) {
    const { name, exports, bin = {} } = manifestOf(one);
    for (const [subpath, entry] of Object.entries(exports))
      enter(join(root, 'packages', one, entry.default), `${name}${subpath.slice(1)}`);
    for (const path of Object.values(bin)) {
      const program = join(root, 'packages', one, path);
      enter(program, pathToFileURL(program).href);
    }
    for (const worker of globSync('**/worker.js', { cwd: dist(one) })) enter(join(dist(one), worker));
  }
  const peers = folders.flatMap((one) => Object.keys(manifestOf(one).peerDependencies ?? {}));
  const bundle = await rolldown({
    input,
    platform: 'node',
    // Whoever starts a process has these as well, and they must be the very same. NATS is nobody's but the engine's.
    external: (id) =>
      !id.startsWith('@nats-io/') && peers.some((peer) => id === peer || id.startsWith(`${peer}/`)),
    resolve: { alias: distAliases() },
    plugins: [ownUrls],
    logLevel: 'silent',
  });
  try {
    await bundle.write({
      dir: folder,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
    });
  } finally {
    await bundle.close();
  }
  writeFileSync(join(folder, 'table.json'), JSON.stringify(table satisfies BundleTable));
}

function distAliases(): Record<string, string> {
  return Object.fromEntries(
    folders.flatMap((one) => {
      const { name, exports } = manifestOf(one);
      return Object.entries(exports).map(([subpath, entry]) => [
        `${name}${subpath.slice(1)}$`,
        join(root, 'packages', one, entry.default),
      ]);
    }),
  );
}

/** A module that starts another one beside it finds that in the bundle, wherever its own code went. */
const ownUrls: Plugin = {
  name: 'own-urls',
  transform(code, id) {
    const place = placeOf(id);
    if (place.startsWith('..') || !code.includes('import.meta.url')) return undefined;
    return code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(join(bundleFolder, place)).href));
  },
};
