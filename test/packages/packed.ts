import { execFile } from 'node:child_process';
import { access, cp, mkdir, readdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The published packages, by the names of their folders. */
export const packageNames = ['shared', 'middleware', 'client-sdk'] as const;

/** A project outside the repository that has nothing but the packed packages and what they declare. */
export interface Project {
  readonly folder: string;
  /** Runs this very Node in the project. Rejects where it ends with anything but 0, with what it wrote. */
  node(...args: readonly string[]): Promise<string>;
  /** Compiles with the repository's TypeScript; resolves with its complaints. */
  compile(config: object): Promise<string>;
}

interface Declared {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const run = promisify(execFile);

/** TypeScript's view of Node, the application's own Express, database clients and rules. */
const broughtByUsers = [
  ...['@types/node', '@types/express', 'express', '@types/pg', 'pg', 'mysql2', 'json-rules-engine'],
  ...['@nats-io/jetstream', '@nats-io/transport-node'],
];

/**
 * Packs each package as `npm publish` would and installs the tarballs into a new project, without network:
 * what a package declares is linked from where the repository has it, what it does not declare is not there.
 */
export async function installPacked(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await pack(folder);
  for (const name of packageNames) await install(name, folder);
  for (const name of broughtByUsers) await link(name, root, folder);
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
  await cp(fileURLToPath(new URL('consumer', import.meta.url)), folder, { recursive: true });
}

/** A project that {@link installPacked} made. */
export function projectAt(folder: string): Project {
  return {
    folder,
    node: (...args) => output(process.execPath, args, folder),
    compile: (config) => compile(folder, config),
  };
}

/** The tarball that a package was installed from. */
export async function tarballOf(name: string, folder: string): Promise<string> {
  const tarball = (await readdir(folder)).find((file) => tarballName(name).test(file));
  if (tarball === undefined) throw new Error(`${name} was not packed into ${folder}`);
  return join(folder, tarball);
}

function tarballName(name: string): RegExp {
  return new RegExp(`^slackwater-${name}-\\d[^/]*\\.tgz$`);
}

async function pack(into: string): Promise<void> {
  for (const name of packageNames)
    await access(join(root, 'packages', name, 'dist/index.js')).catch(() => {
      throw new Error(`packages/${name} is not built; run npm run build`);
    });
  const workspaces = packageNames.flatMap((name) => ['--workspace', `packages/${name}`]);
  const args = [
    'pack',
    '--silent',
    '--ignore-scripts',
    '--offline',
    '--pack-destination',
    into,
    ...workspaces,
  ];
  const npm = process.env['npm_execpath'];
  if (npm === undefined) await run('npm', args, { cwd: root });
  else await run(process.execPath, [npm, ...args], { cwd: root });
}

async function install(name: string, folder: string): Promise<void> {
  const target = join(folder, 'node_modules/@slackwater', name);
  await mkdir(target, { recursive: true });
  await run('tar', ['-xzf', await tarballOf(name, folder), '--strip-components=1', '-C', target]);
  const declared = JSON.parse(await readFile(join(target, 'package.json'), 'utf8')) as Declared;
  const third = Object.keys(declared.dependencies ?? {}).filter((other) => !other.startsWith('@slackwater/'));
  for (const other of third) await link(other, join(root, 'packages', name), target);
}

/** Links a package from where `from` would find it into `into`'s node_modules. */
async function link(name: string, from: string, into: string): Promise<void> {
  const paths = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  const target = await firstFolder(paths.map((path) => join(path, name)));
  if (target === undefined) throw new Error(`${name} is not installed; run npm ci`);
  const at = join(into, 'node_modules', name);
  await mkdir(dirname(at), { recursive: true });
  await symlink(target, at, 'junction');
}

async function firstFolder(candidates: readonly string[]): Promise<string | undefined> {
  for (const candidate of candidates) {
    const found = await realpath(candidate).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function compile(folder: string, config: object): Promise<string> {
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return run(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder }).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
}

async function output(file: string, args: readonly string[], cwd: string): Promise<string> {
  // Here nothing is to help that users don't have.
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await run(file, args, { cwd, env, timeout: 150_000 });
  return stdout;
}

/** Every file beneath a folder, with forward slashes. */
export async function filesBeneath(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}
