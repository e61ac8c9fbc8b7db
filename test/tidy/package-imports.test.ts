import { isBuiltin } from 'node:module';
import { describe, expect, it } from 'vitest';
import { readSource } from './source.ts';
import { type Manifest, manifests, packageSources, readTree, type TextFile } from './tree.ts';

const databaseClients =
  /^(?:pg(?:-.*)?|postgres|mysql2?|mariadb|mongodb|mongoose|ioredis|redis|@redis\/.*|@?nats(?:-io\/.*|\.ws)?|better-sqlite3|sqlite3?|node:sqlite|@libsql\/.*|tedious|mssql|oracledb|knex|kysely|sequelize|typeorm|drizzle-orm|@prisma\/.*|@mikro-orm\/.*|cassandra-driver|etcd3)$/;

/** `@a/b/c` is of the package `@a/b`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function bareImports(file: TextFile): readonly { where: string; path: string; name: string }[] {
  const { path, imports } = readSource(file);
  return imports
    .filter(({ specifier }) => !specifier.startsWith('.'))
    .map(({ specifier, line }) => ({
      where: `${path}:${line} imports ${specifier}`,
      path,
      name: specifier.startsWith('node:') ? specifier : packageOf(specifier),
    }));
}

/** A file of its own on each host, whatever the engine is. */
const indexOfAudits = /^packages\/middleware\/src\/audit\/index\//;

/** Behind subpaths of their own, which browsers never load. */
const forNodeAlone = /^packages\/client-sdk\/src\/node\//;

function databaseClientsOutside(sources: readonly TextFile[]): readonly string[] {
  return sources
    .flatMap(bareImports)
    .filter(
      ({ path, name }) =>
        databaseClients.test(name) &&
        !/^packages\/middleware\/src\/(?:drivers|engines)\//.test(path) &&
        !(name === 'node:sqlite' && indexOfAudits.test(path)),
    )
    .map(({ where }) => where);
}

function builtins(sources: readonly TextFile[]): readonly string[] {
  return sources.flatMap(bareImports).flatMap(({ where, name }) => (isBuiltin(name) ? [where] : []));
}

/** Loads the module that its user names at the command line, which no manifest can. */
const loadsUsersModules = 'packages/middleware/src/cli/plan-command.ts';

/** Imports that a user who installed the package would miss. */
function undeclared(
  sources: readonly TextFile[],
  manifest: Pick<Manifest, 'dependencies' | 'peerDependencies'>,
): readonly string[] {
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
  return sources
    .flatMap(bareImports)
    .filter(({ name }) => !isBuiltin(name) && declared[name] === undefined)
    .filter(({ name, where }) => name !== '(computed)' || !where.startsWith(`${loadsUsersModules}:`))
    .map(({ where }) => where);
}

describe('what a package imports from outside', { timeout: 180_000 }, () => {
  const tree = readTree();

  it('has database clients only in drivers and engines, and the one of Node where audits are indexed', () => {
    expect(databaseClientsOutside(packageSources(tree))).toEqual([]);
  });

  it.each(['shared', 'client-sdk'])('has nothing of Node in %s, which also runs in browsers', (name) => {
    const sources = packageSources(tree, name);
    expect(builtins(sources.filter(({ path }) => !forNodeAlone.test(path)))).toEqual([]);
  });

  it('leads from the client SDK that browsers load to nothing that is for Node alone', () => {
    const sources = packageSources(tree, 'client-sdk').filter(({ path }) => !forNodeAlone.test(path));
    const leading = sources.filter((file) =>
      readSource(file).imports.some(({ specifier }) => /\/node\//.test(specifier)),
    );
    expect(leading.map(({ path }) => path)).toEqual([]);
  });

  it.each(['shared', 'middleware', 'client-sdk'])('is declared in the package.json of %s', (name) => {
    const manifest = manifests(tree).find(({ path }) => path === `packages/${name}/package.json`);
    expect(manifest).toBeDefined();
    expect(undeclared(packageSources(tree, name), manifest ?? {})).toEqual([]);
  });

  it('never leads from the middleware to the client SDK', () => {
    const middleware = manifests(tree).find(({ name }) => name === '@slackwater/middleware');
    const declared = { ...middleware?.dependencies, ...middleware?.peerDependencies };
    expect(declared).toHaveProperty(['@slackwater/shared']);
    expect(declared).not.toHaveProperty(['@slackwater/client-sdk']);
  });

  it('is found: a client in a stage, a builtin with or without its prefix, a package nobody declared', () => {
    const file = (path: string, text: string): TextFile => ({ path, text });
    const stage = file('packages/middleware/src/measure/a.ts', "import type { Pool } from 'pg';");
    const driver = file('packages/middleware/src/drivers/pg.ts', "import pg from 'pg';");
    const engine = file('packages/middleware/src/ledger/b.ts', "import 'node:sqlite'; import '@nats-io/kv';");
    expect(databaseClientsOutside([stage, driver, engine])).toEqual([
      'packages/middleware/src/measure/a.ts:1 imports pg',
      'packages/middleware/src/ledger/b.ts:1 imports node:sqlite',
      'packages/middleware/src/ledger/b.ts:1 imports @nats-io/kv',
    ]);
    expect(builtins([file('a.ts', "import 'fs/promises'; import 'node:fs'; import 'fs-extra';")])).toEqual([
      'a.ts:1 imports fs/promises',
      'a.ts:1 imports node:fs',
    ]);
    const imports = file('a.ts', "import '@a/b/c'; import 'd/e'; import 'f';");
    expect(undeclared([imports], { dependencies: { '@a/b': '1' }, peerDependencies: { f: '1' } })).toEqual([
      'a.ts:1 imports d/e',
    ]);
  });
});
