import { EngineError, type EngineErrorCode } from '../engine-error.ts';
import { inColumn } from './names.ts';
import type { Row } from './row-values.ts';
import { numberIn } from './row-values.ts';
import { quoted, schemaSql, schemaVersion, tablesSql } from './schema.ts';
import type { Query, Transactions } from './transactions.ts';

/** What SET LOCAL, INSERT ... ON CONFLICT and partitions with keys need. */
const leastServerVersion = 120_000;

/** What opening needs to know. */
export interface OpenSchemaSetup {
  readonly transactions: Transactions;
  readonly schema: string;
  readonly ensure: boolean;
  readonly application: string;
  readonly group: string;
  readonly where: string;
  /** Hears of what is legal and probably not meant. */
  readonly tell: (problem: string) => void;
}

/**
 * Checks the server and the schema, makes the schema where that is asked for, and gives the number of the application's
 * and group's scope. Rejects with an `EngineError` that says what is to be changed.
 */
export async function openSchema(setup: OpenSchemaSetup): Promise<number> {
  const { transactions, schema, ensure } = setup;
  const found = await transactions.read((query) => lookAt(query, schema));
  checkServer(found, setup);
  if (found['has_version'] !== true) {
    if (!ensure) throw refusal(setup, 'engine-unavailable', missing(found, schema));
    await transactions.write((query) => make(query, setup));
  }
  return await transactions.write(async (query) => {
    await checkVersion(query, setup);
    return await scopeOf(query, setup);
  });
}

async function lookAt(query: Query, schema: string): Promise<Row> {
  const [row = {}] = await query(
    `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
       current_setting('server_version') AS server_version,
       current_setting('server_version_num')::integer AS server_version_num, current_user::text AS role,
       current_setting('server_encoding') AS encoding,
       found.oid IS NOT NULL AS has_schema,
       coalesce(has_schema_privilege(found.oid, 'USAGE'), true) AS may_use,
       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = found.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')) AS has_tables,
       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = found.oid AND c.relname = 'slackwater_version') AS has_version,
       (SELECT c.relname::text FROM pg_class c
        WHERE c.relnamespace = found.oid AND c.relkind = 'r' AND c.relpersistence <> 'p' LIMIT 1) AS unlogged
     FROM (SELECT 1) AS one LEFT JOIN pg_namespace AS found ON found.nspname = $1`,
    [schema],
  );
  return row;
}

function checkServer(found: Row, setup: OpenSchemaSetup): void {
  const { schema, tell } = setup;
  if ((numberIn(found, 'server_version_num') ?? 0) < leastServerVersion) {
    const version = `the server is PostgreSQL ${String(found['server_version'])}; the engine wants 12 or newer`;
    throw refusal(setup, 'engine-unavailable', version);
  }
  if (found['fsync'] !== 'on') {
    const lost = 'the server runs with fsync = off: what it acknowledges may be lost when its machine fails';
    throw refusal(setup, 'engine-unavailable', `${lost}; set fsync = on in postgresql.conf`);
  }
  if (found['encoding'] !== 'UTF8') {
    const cannot = `the database is encoded in ${String(found['encoding'])}, which can't hold every name`;
    throw refusal(setup, 'engine-unavailable', `${cannot}; create one with ENCODING 'UTF8'`);
  }
  if (found['full_page_writes'] !== 'on') {
    tell(
      'the server runs with full_page_writes = off; that is safe only on a file system that writes pages whole, such as ZFS',
    );
  }
  if (found['may_use'] !== true) {
    const grant = `GRANT USAGE ON SCHEMA ${quoted(schema)} TO ${quoted(String(found['role']))}`;
    throw refusal(
      setup,
      'engine-unavailable',
      `the role may not use the schema; ${grant}, and what else docs/engines.md lists`,
    );
  }
  if (found['has_tables'] === true && found['has_version'] !== true) {
    const others = "the schema holds tables that are not Slackwater's";
    throw refusal(
      setup,
      'engine-corrupt',
      `${others}; give the engine a schema of its own by the option schema`,
    );
  }
  if (typeof found['unlogged'] === 'string') {
    const table = `${quoted(schema)}.${quoted(found['unlogged'])}`;
    throw refusal(
      setup,
      'engine-corrupt',
      `${table} is unlogged and would be empty after a crash; ALTER TABLE ${table} SET LOGGED`,
    );
  }
}

function missing(found: Row, schema: string): string {
  const what = found['has_schema'] === true ? 'the schema is empty' : 'there is no such schema';
  return `${what}; create it as docs/postgres-engine-schema.md says, or let the engine: postgresEngine({ schema: '${schema}', ensure: true })`;
}

async function make(query: Query, { schema }: OpenSchemaSetup): Promise<void> {
  // Processes that start at once make it one after the other; the later ones find it made.
  await query('SELECT pg_advisory_xact_lock(hashtext($1))', [`slackwater schema ${schema}`]);
  const found = await lookAt(query, schema);
  if (found['has_version'] === true) return;
  await query(found['has_schema'] === true ? tablesSql(schema) : schemaSql(schema), []);
}

async function checkVersion(query: Query, setup: OpenSchemaSetup): Promise<void> {
  const rows = await query(`SELECT version FROM ${quoted(setup.schema)}.slackwater_version LIMIT $1`, [2]);
  const version = rows.length === 1 ? numberIn(rows[0] ?? {}, 'version') : undefined;
  if (version === undefined) {
    throw refusal(setup, 'engine-corrupt', 'slackwater_version has not one row; put back a backup');
  }
  if (version !== schemaVersion) {
    const wayOut =
      version > schemaVersion
        ? 'update the package'
        : 'make the tables that docs/postgres-engine-schema.md has besides, or give another schema';
    const differs = `its tables are of version ${version}, and this package knows ${schemaVersion}; ${wayOut}`;
    throw refusal(setup, 'engine-unavailable', differs);
  }
}

async function scopeOf(query: Query, { schema, application, group }: OpenSchemaSetup): Promise<number> {
  const table = `${quoted(schema)}.scope`;
  const names = [inColumn(application), inColumn(group)];
  const find = `SELECT id FROM ${table} WHERE application = $1 AND resource_group = $2`;
  // Looked for first, as each attempt to insert uses up a number.
  const known = numberIn((await query(find, names))[0] ?? {}, 'id');
  if (known !== undefined) return known;
  await query(
    `INSERT INTO ${table} (application, resource_group) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
    names,
  );
  const made = numberIn((await query(find, names))[0] ?? {}, 'id');
  if (made === undefined) throw new TypeError('a scope that was made is not there');
  return made;
}

function refusal({ where }: OpenSchemaSetup, code: EngineErrorCode, message: string): EngineError {
  return new EngineError(code, 'none', `${where}: ${message}`);
}
