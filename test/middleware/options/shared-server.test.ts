import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { commitSources } from '../../../packages/middleware/src/drivers/driver.ts';
import { observe } from '../../../packages/middleware/src/drivers/pg.ts';
import { postgresEngine } from '../../../packages/middleware/src/engines/postgres/postgres-engine.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { sharedServerMessage } from '../../../packages/middleware/src/options/shared-server.ts';

const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0)) await step();
});

function poolAt(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config);
  undo.push(() => pool.end());
  return pool;
}

/** What is said of an engine there, while the application's pool is observed. Nobody connects anywhere. */
function said(engine: pg.PoolConfig, application: pg.PoolConfig): string | undefined {
  const { stop } = observe(poolAt(application), { partition: 'orders' });
  undo.push(stop);
  return sharedServerMessage(postgresEngine({ pool: poolAt(engine), keys: '{}' }), commitSources());
}

describe('an engine on the server whose commits are observed', () => {
  it('is told of, whether one spells the server as the other does or not, and in whatever database', () => {
    expect(said({ host: 'db.example', database: 'ledger' }, { host: 'DB.example', port: 5432 })).toMatch(
      /lives on db\.example:5432, and so does partition "orders"/,
    );
    expect(
      said({ connectionString: 'postgres://u:secret@127.0.0.1:6000/a' }, { host: 'localhost', port: 6000 }),
    ).toMatch(/localhost:6000/);
    expect(said({ host: '/var/run/postgresql', port: 6001 }, { host: '::1', port: 6001 })).toMatch(
      /localhost:6001/,
    );
  });

  it('is told of where both have one pool', () => {
    const pool = poolAt({ host: 'one.example' });
    undo.push(observe(pool, { partition: 'orders' }).stop);
    expect(sharedServerMessage(postgresEngine({ pool, keys: '{}' }), commitSources())).toMatch(
      /one\.example/,
    );
  });

  it('is not told of where it is another server, or none', () => {
    expect(said({ host: 'ledger.example' }, { host: 'db.example' })).toBeUndefined();
    expect(said({ host: 'localhost', port: 6002 }, { host: 'localhost', port: 6003 })).toBeUndefined();
    expect(sharedServerMessage(sqliteEngine({ directory: '.slackwater' }), commitSources())).toBeUndefined();
    expect(sharedServerMessage(undefined, commitSources())).toBeUndefined();
  });
});
