import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The published packages, by the names of their folders. */
export const packageNames = ['shared', 'middleware', 'client-sdk'] as const;

/** A project outside the repository that has nothing but the packed packages and what they declare. */
export interface Project {
  readonly folder: string;
  /** The tarballs it was installed from, by package. */
  readonly tarballs: ReadonlyMap<string, string>;
  /** Runs this very Node in the project. Rejects where it ends with anything but 0, with what it wrote. */
  node(...args: readonly string[]): Promise<string>;
  /** Compiles with the repository's TypeScript; resolves with its complaints. */
  compile(config: object): Promise<string>;
  remove(): Promise<void>;
}

interface Declared {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const run = promisify(execFile);

/**
 * Packs each package as `npm publish` would and installs the tarballs into a new project, without network:
 * what a package declares is linked from where the repository has it, what it does not declare is not there.
 */
export async function installPacked(): Promise<Project> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'slackwater-packed-')));
  const tarballs = new Map(await Promise.all(packageNames.map((name) => pack(name, folder))));
  for (const [name, tarball] of tarballs) await install(name, tarball, folder);
  // What the user of the packages brings: TypeScript's view of Node, and the application's own Express.
  for (const name of ['@types/node', '@types/express', 'express', 'pg', '@types/pg', 'json-rules-engine'])
    await link(name, root, folder);
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
  await cp(fileURLToPath(new URL('consumer', import.meta.url)), folder, { recursive: true });
  return {
    folder,
    tarballs,
    node: (...args) => output(process.execPath, args, folder),
    compile: (config) => compile(folder, config),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function pack(name: string, into: string): Promise<readonly [name: string, tarball: string]> {
  const args = ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', into];
  const npm = process.env['npm_execpath'];
  const cwd = join(root, 'packages', name);
  const { stdout } =
    npm === undefined
      ? await run('npm', args, { cwd })
      : await run(process.execPath, [npm, ...args], { cwd });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return [name, join(into, filename)];
}

async function install(name: string, tarball: string, folder: string): Promise<void> {
  const target = join(folder, 'node_modules/@slackwater', name);
  await mkdir(target, { recursive: true });
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', target]);
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
  const { stdout } = await run(file, args, { cwd, timeout: 30_000 });
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

/** What became of a run of suites, by path; a failed one with what failed in it. */
export interface SuiteReport {
  readonly passed: readonly string[];
  readonly failed: Readonly<Record<string, string>>;
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly failureMessages: readonly string[] }[];
  }[];
}

/** Runs suites of this repository on the packed packages. */
export async function runSuites(project: Project, suites: readonly string[]): Promise<SuiteReport> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const report = join(project.folder, 'report.json');
  await rm(report, { force: true });
  const config = [
    '--config',
    'test/packages/packed.vitest.config.ts',
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  // What this run's own vitest put into the environment would confuse the other.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'));
  const env = {
    ...Object.fromEntries(inherited),
    SLACKWATER_PACKED_PROJECT: project.folder,
    // What is compiled here is in a folder of no other run.
    NODE_COMPILE_CACHE: join(project.folder, '.compile-cache'),
  };
  // A failing suite ends the run with 1, and the report says which. Without a report the run itself broke.
  const broken = await run(process.execPath, [vitest, 'run', ...config, ...suites], { cwd: root, env }).then(
    () => undefined,
    (error: unknown) => error,
  );
  const text = await readFile(report, 'utf8').catch(() => Promise.reject(broken));
  return read(JSON.parse(text) as VitestReport);
}

function read({ testResults }: VitestReport): SuiteReport {
  const passed: string[] = [];
  const failed: Record<string, string> = {};
  for (const { name, status, message, assertionResults } of testResults) {
    const path = relative(root, name).replaceAll('\\', '/');
    const messages = assertionResults.flatMap(({ failureMessages }) => failureMessages);
    if (status === 'passed') passed.push(path);
    else failed[path] = [message, ...messages].filter((line) => line !== '').join('\n');
  }
  return { passed: passed.sort(), failed };
}
