import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entriesOf, publicNames } from '../tidy/public-names.ts';
import { manifests, otherSources, packageSources, readTree } from '../tidy/tree.ts';
import { filesBeneath, installPacked, type Project, packageNames, runSuites } from './packed.ts';
import { publicSuites } from './public-suites.ts';

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
  ['nodenext', { ...strict, module: 'nodenext', moduleResolution: 'nodenext', outDir: 'out' }],
  ['bundler', { ...strict, module: 'preserve', moduleResolution: 'bundler', noEmit: true }],
] as const;

describe('the packed packages (B-46, D-63)', () => {
  let project: Project;

  beforeAll(async () => {
    project = await installPacked();
    const lines = entries.map(
      ({ specifier, names }) => `export { ${names.join(', ')} } from '${specifier}';`,
    );
    for (const [at, line] of lines.entries()) {
      await writeFile(join(project.folder, `names-${at}.ts`), line.replace('export {', 'export type {'));
    }
  });

  afterAll(() => project.remove());

  it.each(packageNames)('are packed from %s as publint wants them', async (name) => {
    const pkgDir = join(project.folder, 'node_modules/@slackwater', name);
    const { messages } = await publint({ pkgDir, pack: false, strict: true });
    const manifest = JSON.parse(await readFile(join(pkgDir, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
  });

  it.each(packageNames)('hold licence, README, and for each file in dist its source: %s', async (name) => {
    const files = await filesBeneath(join(project.folder, 'node_modules/@slackwater', name));
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js']));
    const built = files.filter((file) => file.startsWith('dist/'));
    const sourceOf = (file: string): string =>
      file.replace(/^dist\//, 'src/').replace(/(?:\.d\.ts|\.js)(?:\.map)?$/, '.ts');
    expect(built.filter((file) => !files.includes(sourceOf(file)))).toEqual([]);
    const elsewhere = files.filter(
      (file) => !/^(?:dist|src)\/|^(?:LICENSE|README\.md|package\.json)$|^node_modules\//.test(file),
    );
    expect(elsewhere).toEqual([]);
  });

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
    const [, compilerOptions] = settings[0];
    expect(await project.compile({ compilerOptions, files: ['wrong.ts'] })).toContain('NoSuchName');
  });

  it('run an Express app that is answered through the gate', async () => {
    const [, compilerOptions] = settings[0];
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

  it('pass the same suites as the sources', { timeout: 300_000 }, async () => {
    const suites = publicSuites(otherSources(tree));
    expect(suites).not.toEqual([]);
    expect(await runSuites(project, suites)).toEqual({ failed: {}, passed: suites });
  });

  it('are what those suites were run on', { timeout: 60_000 }, async () => {
    const [suite = 'none'] = publicSuites(otherSources(tree)).filter((path) =>
      path.startsWith('test/shared/'),
    );
    const entry = join(project.folder, 'node_modules/@slackwater/shared/dist/index.js');
    const intact = await readFile(entry, 'utf8');
    await writeFile(entry, `throw new Error('the packed package was loaded');`);
    try {
      expect(await runSuites(project, [suite])).toEqual({
        failed: { [suite]: expect.stringContaining('the packed package was loaded') },
        passed: [],
      });
    } finally {
      await writeFile(entry, intact);
    }
  });
});
