import { setTimeout as sleep } from 'node:timers/promises';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { Engine, OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import type { PostgresEngineOptions } from '../../../../packages/middleware/src/engines/postgres/options.ts';
import { postgresEngine } from '../../../../packages/middleware/src/engines/postgres/postgres-engine.ts';
import { type EngineUnderTest, keysByGroup, scope } from '../../../contracts/engine-under-test.ts';
import { documentedGrants, documentedTables } from './documented-schema.ts';

const keysOf = keysByGroup();
/** Keys as every host of a test has them. */
export const keys: Uint8Array = keysOf(scope.group);

/** A server for the tests of one file. */
export interface Place {
  readonly server: PostgresServer;
  /** A schema that nobody has used. */
  newSchema(): string;
  /** A pool that is ended after the tests. */
  newPool(config?: pg.PoolConfig): pg.Pool;
  /** An engine on a pool of its own, as another process would have it. */
  newEngine(schema: string, more?: Partial<PostgresEngineOptions>): Engine;
  /** Opens the usual scope; closed after the tests. */
  open(schema: string, more?: Partial<PostgresEngineOptions>): Promise<OpenEngine>;
  /** An engine whose role may do what the documents grant, in a schema that was made by their migration. */
  newLeastEngine(schema: string, pool?: pg.Pool): Engine;
  /** A pool of that role's. */
  newLeastPool(): pg.Pool;
  /** Runs that migration, and grants that role what it needs. */
  migrate(schema: string): Promise<void>;
  /** How that role logs in. */
  readonly leastRole: { readonly user: string; readonly password: string };
  /** What an operator sees and does. */
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
}

/** Starts a server before the tests of a file, and ends it after them. */
export function usePostgres(): Place {
  const pools = new Set<pg.Pool>();
  const opened = new Set<OpenEngine>();
  let started: PostgresServer | undefined;
  let operator: pg.Pool | undefined;
  let schemas = 0;

  const place: Place = {
    get server() {
      if (started === undefined) throw new Error('The server is not started yet.');
      return started;
    },
    newSchema() {
      schemas += 1;
      return `slackwater_${schemas}`;
    },
    newPool(config) {
      const pool = new pg.Pool({ connectionString: place.server.connectionString, ...config });
      pool.on('error', () => {});
      pools.add(pool);
      return pool;
    },
    newEngine: (schema, more) =>
      postgresEngine({ pool: place.newPool(), schema, keys: keysOf, ensure: true, ...more }),
    async open(schema, more) {
      const engine = await place.newEngine(schema, more).open({ ...scope, clock: systemClock });
      opened.add(engine);
      return engine;
    },
    leastRole: { user: 'least', password: 'least of all' },
    // A machine that is busy must not look like a server in trouble.
    newLeastEngine: (schema, pool = place.newLeastPool()) =>
      postgresEngine({ pool, schema, keys: keysOf, timeoutMs: 60_000 }),
    newLeastPool() {
      const { host, port, database } = place.server;
      return place.newPool({ connectionString: undefined, host, port, database, ...place.leastRole });
    },
    async migrate(schema) {
      await place.sql(documentedTables(schema));
      await place.sql(documentedGrants(schema, place.leastRole.user));
    },
    async sql(text, values) {
      operator ??= place.newPool({ max: 2 });
      const { rows } = await operator.query(text, values);
      return rows;
    },
  };

  beforeAll(async () => {
    started = await startPostgres();
    const { user, password } = place.leastRole;
    await place.sql(`CREATE ROLE ${user} LOGIN PASSWORD '${password}'`);
  });
  afterAll(async () => {
    for (const engine of opened) await engine.close();
    await Promise.all([...pools].map((pool) => (pool.ended ? undefined : pool.end())));
    await started?.stop();
  });
  return place;
}

/**
 * The engine for the contract suite, as an application should run it: the schema is another role's, and its own may do
 * nothing but what the documents grant. Time is the server's, so that letting it pass is waiting.
 */
export async function postgresUnderTest(place: Place): Promise<EngineUnderTest> {
  const schema = place.newSchema();
  await place.migrate(schema);
  const pools: pg.Pool[] = [];
  return {
    makeEngine() {
      const pool = place.newLeastPool();
      pools.push(pool);
      return place.newLeastEngine(schema, pool);
    },
    clock: systemClock,
    pass: (ms) => sleep(ms + 20),
    dispose: async () => {
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}
