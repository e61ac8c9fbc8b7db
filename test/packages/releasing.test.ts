import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { outOfStep } from '../tidy/in-step.ts';
import { type Manifest, manifests, readTree } from '../tidy/tree.ts';
import { root } from './packed.ts';

const run = promisify(execFile);
const before = manifests(readTree());
const changed = `---
"@slackwater/middleware": minor
---

Something is new.
`;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slackwater-releasing-'));
  const files = ['package-lock.json', '.npmrc', '.changeset/config.json', ...before.map(({ path }) => path)];
  for (const file of files) await cp(join(root, file), join(folder, file));
  await writeFile(join(folder, '.changeset/something.md'), changed);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const textOf = (path: string): Promise<string> => readFile(join(folder, path), 'utf8');

it('a release raises all packages to one version, has each other and the lockfile follow, and says what changed; without network', async () => {
  const npm = process.env['npm_execpath'];
  const args = ['run', 'release:version', '--offline'];
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    PATH: [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
  };
  await (npm === undefined
    ? run('npm', args, { cwd: folder, env })
    : run(process.execPath, [npm, ...args], { cwd: folder, env }));

  const after = await Promise.all(
    before.map(async ({ path }) => ({ path, ...(JSON.parse(await textOf(path)) as Omit<Manifest, 'path'>) })),
  );
  expect(outOfStep(after, { license: 'Apache-2.0' })).toEqual([]);
  const [major, minor] = String(before.find(({ path }) => path === 'packages/shared/package.json')?.version)
    .split('.')
    .map(Number);
  const version = `${major}.${Number(minor) + 1}.0`;
  const { packages } = JSON.parse(await textOf('package-lock.json')) as {
    readonly packages: Readonly<Record<string, Pick<Manifest, 'version' | 'dependencies'>>>;
  };
  for (const manifest of after.filter(({ path }) => path.startsWith('packages/'))) {
    expect(manifest.version).toBe(version);
    expect(packages[manifest.path.replace('/package.json', '')]).toMatchObject({
      version,
      dependencies: manifest.dependencies,
    });
  }
  expect(await textOf('packages/middleware/CHANGELOG.md')).toMatch(
    new RegExp(`## ${version}\\s+### Minor Changes\\s+- .*Something is new\\.`),
  );
  expect(await textOf('packages/client-sdk/CHANGELOG.md')).toContain(`## ${version}`);
  expect(existsSync(join(folder, '.changeset/something.md'))).toBe(false);
});
