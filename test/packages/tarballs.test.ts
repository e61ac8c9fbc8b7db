import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { problemKindInfo } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileAt, readTree } from '../tidy/tree.ts';
import { statedWeights } from '../tidy/weights.ts';
import setUp from './install-packed.ts';
import { filesBeneath, packageNames, tarballOf } from './packed.ts';
import { packedProject } from './packed-project.ts';

/**
 * The packages are ES modules alone. What that means is no mistake of theirs: `require()` of one works in the Node that they need, and the resolution
 * of Node 10 knows no `exports`.
 */
const meant = new Set(['CJSResolvesToESM', 'NoResolution node10']);

const mb = 1_000_000;
let remove: (() => void) | undefined;

beforeAll(async () => {
  remove = await setUp();
});

afterAll(() => remove?.());

describe.each(packageNames)('the tarball of %s', { timeout: 180_000 }, (name) => {
  const folder = join(packedProject, 'node_modules/@slackwater', name);
  /** By path, with their sizes in bytes. */
  const files = new Map<string, number>();

  beforeAll(async () => {
    for (const file of await filesBeneath(folder)) {
      if (!file.startsWith('node_modules/')) files.set(file, (await stat(join(folder, file))).size);
    }
  });

  const built = (): string[] => [...files.keys()].filter((file) => file.startsWith('dist/'));

  it('is as publint wants it', async () => {
    const { messages } = await publint({ pkgDir: folder, pack: false, strict: true });
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
  });

  it('has types that are right, as are-the-types-wrong sees it', async () => {
    const tarball = createPackageFromTarballData(await readFile(await tarballOf(name, packedProject)));
    const result = await checkPackage(tarball);
    if (result.types === false) throw new Error(`${name} has no types`);
    const problems = result.problems.map((problem) => {
      const { kind, entrypoint, resolutionKind } = { entrypoint: '', resolutionKind: '', ...problem };
      return {
        kind,
        resolutionKind,
        said: `${entrypoint} ${resolutionKind}: ${problemKindInfo[kind].title}`,
      };
    });
    const wrong = problems.filter(
      ({ kind, resolutionKind }) => !meant.has(kind) && !meant.has(`${kind} ${resolutionKind}`),
    );
    expect(wrong.map(({ said }) => said)).toEqual([]);
    expect(Object.keys(result.entrypoints)).not.toEqual([]);
  });

  it('holds licence, README, sources, and of each what was built of it; nothing else', () => {
    const byExtension =
      /^(?:src\/.*\.ts|dist\/.*(?:\.js|\.d\.ts)(?:\.map)?|LICENSE|README\.md|CHANGELOG\.md|package\.json)$/;
    expect([...files.keys()].filter((file) => !byExtension.test(file))).toEqual([]);
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js']),
    );
    const ofTests = /(?:^|[/.])(?:tests?|specs?|bench|fixtures?|mocks?|__\w+__)(?:[/.])/;
    expect([...files.keys()].filter((file) => ofTests.test(file))).toEqual([]);
    const sourceOf = (file: string): string =>
      file.replace(/^dist\//, 'src/').replace(/(?:\.d\.ts|\.js)(?:\.map)?$/, '.ts');
    const sources = [...files.keys()].filter((file) => file.startsWith('src/') && !file.endsWith('.d.ts'));
    const fresh =
      'What no source makes is left of an earlier build: remove dist and *.tsbuildinfo, and build again.';
    expect([...new Set(built().map(sourceOf))].sort(), fresh).toEqual(sources.sort());
  });

  it('has maps that lead to its sources, and repeat none of them', async () => {
    const maps = built().filter((file) => file.endsWith('.map'));
    expect(maps).not.toEqual([]);
    const astray = maps.map(async (file) => {
      const map = JSON.parse(await readFile(join(folder, file), 'utf8')) as {
        readonly sources: readonly string[];
        readonly sourcesContent?: unknown;
      };
      const there = map.sources.every((source) =>
        files.has(join(dirname(file), source).replaceAll('\\', '/')),
      );
      return there && map.sourcesContent === undefined ? [] : [file];
    });
    expect((await Promise.all(astray)).flat()).toEqual([]);
  });

  it('unpacks to no more than is stated, nor to far less', () => {
    const where = 'docs/dependencies.md';
    const row = statedWeights(fileAt(readTree(), where)).find(
      (weight) => weight.name === `@slackwater/${name}`,
    );
    const megabytes = [...files.values()].reduce((sum, bytes) => sum + bytes, 0) / mb;
    const largest = [...files].sort(([, a], [, b]) => b - a).slice(0, 3);
    const belowMb = row?.belowMb ?? 0;
    const because =
      `${name} unpacks to ${megabytes.toFixed(2)} MB, and ${where} says less than ${belowMb} MB. Its largest files: ` +
      `${largest.map(([file, bytes]) => `${file} (${bytes})`).join(', ')}. ` +
      'If something came in that users do not need, take it out; else say the new figure there and in the README of the package.';
    expect(megabytes, because).toBeLessThan(belowMb);
    expect(megabytes, because).toBeGreaterThan(belowMb * 0.6);
  });
});
