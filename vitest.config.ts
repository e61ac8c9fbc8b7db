import { matchesGlob } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { bundledEnvironment } from './test/bundled/bundled-environment.ts';
import { packedAliases, packedEnvironment, packedPlace } from './test/packages/packed-project.ts';
import { publicSuites } from './test/packages/public-suites.ts';
import { LongestFirst } from './test/support/src/longest-first.ts';
import { otherSources, readTree } from './test/tidy/tree.ts';

// Tests start processes and threads by the hundred, and each would compile the same files anew.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.compile-cache', import.meta.url));

const source = (path: string): string => fileURLToPath(new URL(`packages/${path}`, import.meta.url));

const pure = ['decide', 'measure', 'metrics', 'options', 'audit', 'perform/batches']
  .map((stage) => `test/middleware/${stage}/**/*.test.ts`)
  .concat(
    'test/shared/**/*.test.ts',
    'test/tidy/**/*.test.ts',
    'test/client-sdk/in-memory/**/*.test.ts',
    'test/bench/**/*.test.ts',
  );

// They start servers and threads, and end them; nothing that a module keeps is told apart by file.
const tidying = ['answer', 'ledger', 'operations', 'perform', 'engines/sqlite', 'engines/postgres', 'cli']
  .map((stage) => `test/middleware/${stage}/**/*.test.ts`)
  .concat('test/client-sdk/*.test.ts');

const sharePostgresData = 'test/support/src/share-postgres-data.ts';
const bundlePackages = 'test/bundled/bundle.ts';

/** Those suites on the packed packages, in as many processes as on the sources. */
function packedProjects(suites: readonly string[]): readonly TestProjectInlineConfiguration[] {
  const matches = (path: string, patterns: readonly string[]): boolean =>
    patterns.some((pattern) => matchesGlob(path, pattern));
  const project = (name: string, include: string[], isolate: boolean): TestProjectInlineConfiguration => ({
    extends: true,
    resolve: { alias: [...packedAliases()] },
    test: {
      name,
      include,
      isolate,
      env: packedEnvironment,
      globalSetup: ['test/packages/install-packed.ts', sharePostgresData],
    },
  });
  const shared = suites.filter((path) => matches(path, [...pure, ...tidying]));
  return [
    project(
      'packed',
      suites.filter((path) => !shared.includes(path)),
      true,
    ),
    project('packed shared', shared, false),
  ];
}

export default defineConfig(({ mode }) => {
  // `npm test`: suites that know what users know are run on what users get, and not on the sources as well.
  const onPacked =
    mode === 'packed' ? [...publicSuites(otherSources(readTree())), 'test/packages/*.test.ts'] : [];
  if (mode === 'packed') Object.assign(process.env, packedPlace);
  return {
    resolve: {
      // Tests in this process read the sources, so that a failing line is a line somebody wrote.
      // Processes that a test starts use the built packages, rolled into few files; on the packed packages, as users do.
      alias: [
        { find: /^@slackwater\/(shared|middleware|client-sdk)$/, replacement: source('$1/src/index.ts') },
        {
          find: '@slackwater/client-sdk/file-store',
          replacement: source('client-sdk/src/node/file-store.ts'),
        },
        { find: '@slackwater/client-sdk/testing', replacement: source('client-sdk/src/testing/index.ts') },
        {
          find: '@slackwater/middleware/rules',
          replacement: source('middleware/src/scorers/rules-scorer.ts'),
        },
        {
          find: '@slackwater/middleware/nats',
          replacement: source('middleware/src/engines/nats/nats-engine.ts'),
        },
        {
          find: '@slackwater/middleware/postgres-engine',
          replacement: source('middleware/src/engines/postgres/postgres-engine.ts'),
        },
        { find: /^@slackwater\/middleware\/([\w-]+)$/, replacement: source('middleware/src/drivers/$1.ts') },
      ],
    },
    test: {
      // Most tests wait for a server or a disk: one core for each would leave both idle.
      maxWorkers: 4,
      // What waits together is mostly a contract on a cluster, whose streams wait for elections.
      maxConcurrency: 8,
      sequence: { sequencer: LongestFirst },
      projects: [
        ...(onPacked.length === 0 ? [] : packedProjects(onPacked)),
        // Neither servers nor processes, and nothing kept by a module: one worker for all saves its start for each.
        { extends: true, test: { name: 'pure', include: pure, exclude: onPacked, isolate: false } },
        {
          extends: true,
          test: {
            name: 'tidying',
            include: tidying,
            exclude: [...pure, ...onPacked],
            isolate: false,
            env: bundledEnvironment,
            globalSetup: [bundlePackages, sharePostgresData],
          },
        },
        {
          extends: true,
          test: {
            name: 'whole',
            include: ['test/**/*.test.ts'],
            exclude: [...pure, ...tidying, ...onPacked],
            env: bundledEnvironment,
            globalSetup: [bundlePackages, sharePostgresData],
          },
        },
      ],
      // They only bound failure, on a machine that is busy too.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      // A second, which is the default, is short on a busy machine.
      expect: { poll: { timeout: 30_000 } },
    },
  };
});
