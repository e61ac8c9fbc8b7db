import { setTimeout as sleep } from 'node:timers/promises';
import pg, { type ClientBase, type ClientConfig, type Pool } from 'pg';

/** Makes commits slow that wrote to certain tables. */
export interface SlowCommits {
  /**
   * Every commit from now on takes `ms` longer, whoever makes it; 0 ends it. With `parallelism` only so many
   * commits are served at a time, like a disk of bounded parallelism; 0 (default) is no bound.
   */
  set(ms: number, parallelism?: number): Promise<void>;
}

type Database = Pick<ClientBase, 'query'> | Pick<Pool, 'query'>;

/**
 * Installs, on the given tables, a deferred constraint trigger that sleeps inside COMMIT, once for each
 * transaction. Its settings are sequences: those change at once and for every snapshot, also for
 * transactions that are under way.
 */
export async function slowCommits(database: Database, tables: readonly string[]): Promise<SlowCommits> {
  await database.query(`
    CREATE SCHEMA IF NOT EXISTS slow_commits;
    CREATE SEQUENCE IF NOT EXISTS slow_commits.sleep_ms MINVALUE 0 START 0;
    CREATE SEQUENCE IF NOT EXISTS slow_commits.parallelism MINVALUE 0 START 0;
    CREATE SEQUENCE IF NOT EXISTS slow_commits.ticket MINVALUE 0 START 0 CACHE 1;
    CREATE OR REPLACE FUNCTION slow_commits.sleep() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      sleep_ms bigint := (SELECT last_value FROM slow_commits.sleep_ms);
      slots bigint := (SELECT last_value FROM slow_commits.parallelism);
      slept text := current_setting('slow_commits.slept', true);
      ticket bigint;
    BEGIN
      IF sleep_ms = 0 OR slept = pg_current_xact_id()::text THEN RETURN NULL; END IF;
      PERFORM set_config('slow_commits.slept', pg_current_xact_id()::text, true);
      IF slots > 0 THEN
        ticket := nextval('slow_commits.ticket');
        PERFORM pg_advisory_xact_lock(1397507415, (ticket % slots)::int);
      END IF;
      PERFORM pg_sleep(sleep_ms / 1000.0);
      RETURN NULL;
    END $$;
    GRANT USAGE ON SCHEMA slow_commits TO PUBLIC;
    GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA slow_commits TO PUBLIC;
  `);
  for (const table of tables) {
    await database.query(`
      DROP TRIGGER IF EXISTS slow_commits ON ${table};
      CREATE CONSTRAINT TRIGGER slow_commits AFTER INSERT OR UPDATE OR DELETE ON ${table}
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commits.sleep();
    `);
  }
  return {
    async set(ms, parallelism = 0) {
      await database.query(
        "SELECT setval('slow_commits.sleep_ms', $1::bigint), setval('slow_commits.parallelism', $2::bigint)",
        [Math.round(ms), parallelism],
      );
    },
  };
}

/**
 * Stalls every COMMIT that wrote, in the whole server, by waiting for a standby that does not exist; with
 * `false` those that wait go through. Resolves when it is so. `address` is a superuser's.
 */
export async function stallCommits(address: ClientConfig, on: boolean): Promise<void> {
  const operator = new pg.Client(address);
  await operator.connect();
  try {
    await operator.query(`ALTER SYSTEM SET synchronous_standby_names = '${on ? 'nobody' : ''}'`);
    await operator.query('SELECT pg_reload_conf()');
    // A reload takes effect when the server gets round to it; only a commit can tell.
    while ((await commitStalls(address, operator)) !== on) await sleep(5);
  } finally {
    await operator.end();
  }
}

async function commitStalls(address: ClientConfig, operator: pg.Client): Promise<boolean> {
  const trial = new pg.Client(address);
  await trial.connect();
  try {
    const { rows } = await trial.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = rows[0]?.pid;
    let committed = false;
    const commit = trial.query("SELECT pg_logical_emit_message(true, 'stall', '')").then(
      () => {
        committed = true;
      },
      () => {},
    );
    for (;;) {
      const { rowCount } = await operator.query(
        "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep'",
        [pid],
      );
      if (committed) return false;
      if (rowCount !== 1) continue;
      // Ends the wait alone: what was to be committed is.
      await operator.query('SELECT pg_cancel_backend($1)', [pid]);
      await commit;
      return true;
    }
  } finally {
    await trial.end();
  }
}
