import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entriesOf, publicNames } from '../tidy/public-names.ts';
import { manifests, packageSources, readTree } from '../tidy/tree.ts';
import setUp from './install-packed.ts';
import { projectAt, root } from './packed.ts';
import { packedAliases, packedEnvironment, packedProject } from './packed-project.ts';

const run = promisify(execFile);

interface Entry {
  /** What users write. */
  readonly specifier: string;
  readonly names: readonly string[];
  /** Those that are there at run time. */
  readonly values: readonly string[];
}

const tree = readTree();
const entries: readonly Entry[] = manifests(tree)
  .filter(({ path }) => path.startsWith('packages/'))
  .flatMap((manifest) => {
    const sources = entriesOf(manifest);
    return Object.keys(manifest.exports ?? {}).map((subpath, at) => {
      const source = sources[at] ?? 'none';
      const exported = publicNames(packageSources(tree), [source]);
      const names = exported.map(({ name }) => name);
      const values = exported
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ name }) => name)
        .sort();
      return { specifier: `${manifest.name}${subpath.slice(1)}`, names, values };
    });
  });
const specifiers = entries.map(({ specifier }) => specifier);
const valuesBySpecifier = Object.fromEntries(entries.map(({ specifier, values }) => [specifier, values]));

const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  verbatimModuleSyntax: true,
  target: 'es2023',
  lib: ['es2023', 'dom'],
  types: ['node'],
};
const settings = [
  ['node16', { ...strict, module: 'node16', moduleResolution: 'node16', noEmit: true }],
  ['nodenext', { ...strict, module: 'nodenext', moduleResolution: 'nodenext', outDir: 'out' }],
  ['bundler', { ...strict, module: 'preserve', moduleResolution: 'bundler', noEmit: true }],
] as const;

describe('the packed packages (B-46) (T-48) (D-63)', { timeout: 180_000 }, () => {
  const project = projectAt(packedProject);
  let remove: (() => void) | undefined;

  beforeAll(async () => {
    remove = await setUp();
    const lines = entries.map(
      ({ specifier, names }) => `export type { ${names.join(', ')} } from '${specifier}';`,
    );
    for (const [at, line] of lines.entries()) await writeFile(join(project.folder, `names-${at}.ts`), line);
  });

  afterAll(() => remove?.());

  it('give import the names that their sources export', async () => {
    expect(JSON.parse(await project.node('import.mjs', ...specifiers))).toEqual({ names: valuesBySpecifier });
  });

  it('give require() the same names and the same objects', async () => {
    const said = await project.node('require.cjs', ...specifiers);
    expect(JSON.parse(said)).toEqual({ names: valuesBySpecifier, same: true });
  });

  it.each(settings)('give TypeScript every type, with moduleResolution %s', async (_, compilerOptions) => {
    expect(await project.compile({ compilerOptions, include: ['*.ts'] })).toBe('');
  });

  it('give TypeScript no name that is not there', async () => {
    await writeFile(join(project.folder, 'wrong.ts'), `export type { NoSuchName } from '${specifiers[0]}';`);
    const [, compilerOptions] = settings[1];
    expect(await project.compile({ compilerOptions, files: ['wrong.ts'] })).toContain('NoSuchName');
  });

  it('run an Express app that is answered through the gate', async () => {
    const [, compilerOptions] = settings[1];
    expect(await project.compile({ compilerOptions, files: ['gate.ts'] })).toBe('');
    expect(JSON.parse(await project.node('out/gate.js'))).toEqual({
      hello: { hello: 'world' },
      status: 200,
      health: 200,
    });
  });

  it('bring the command slackwater, which makes keys and copies a ledger', async () => {
    const installed = join(project.folder, 'node_modules/@slackwater/middleware');
    const { bin } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as {
      readonly bin: { readonly slackwater: string };
    };
    const program = join(installed, bin.slackwater);
    expect(await readFile(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    const said = await project.node(program, 'keys', '--application', 'shop', '--out', 'keys.json');
    const { origin } = JSON.parse(said) as { readonly origin: string };
    expect(origin).toMatch(/^shop\/main\//);
    await project.node('ledger.mjs', 'before');
    const places = ['--from', 'sqlite:before', '--to', 'sqlite:after'];
    expect(JSON.parse(await project.node(program, 'copy', ...places))).toMatchObject({
      entries: 0,
      verified: true,
      application: 'shop',
    });
  });

  it('are what suites and the processes that they start are run on', async () => {
    const imported = packedAliases().map(({ replacement }) => pathToFileURL(replacement).href);
    const loads =
      'const [, ...names] = process.argv; console.log(JSON.stringify(names.map((name) => import.meta.resolve(name))))';
    const env = { ...process.env, ...packedEnvironment };
    const { stdout } = await run(
      process.execPath,
      ['--input-type=module', '-e', loads, '--', ...specifiers],
      { cwd: root, env },
    );
    expect((JSON.parse(stdout) as string[]).sort()).toEqual(imported.sort());
    expect(imported.every((url) => url.startsWith(pathToFileURL(packedProject).href))).toBe(true);
  });
});
