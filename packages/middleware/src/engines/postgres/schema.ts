/** Counted up with every change of the tables; `docs/engines.md` describes them. */
export const schemaVersion = 2;

/** Ids that were settled are known for a day at least: their table has three parts, of which each day the oldest is emptied. */
export const settledParts = 3;

/** An identifier as it stands in SQL. */
export const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;

/**
 * What makes the schema; `docs/postgres-engine-schema.md` has the same for a migration. Texts are compared by bytes, so that no
 * update of the server's locales turns an index over. What is changed often has room beside it, and is vacuumed early.
 */
export const schemaSql = (schema: string): string => `CREATE SCHEMA ${quoted(schema)};
${tablesSql(schema)}`;

/** The tables alone, for a schema that was made and is empty. */
export const tablesSql = (schema: string): string =>
  tables.replaceAll(/\bslackwater\.(?=\w)/g, `${quoted(schema)}.`);

const tables = `CREATE TABLE slackwater.scope (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  application text COLLATE "C" NOT NULL,
  resource_group text COLLATE "C" NOT NULL,
  log_size bigint NOT NULL DEFAULT 0,
  UNIQUE (application, resource_group)
) WITH (fillfactor = 50);

CREATE TABLE slackwater.log (
  scope integer NOT NULL,
  position bigint NOT NULL,
  entry bytea NOT NULL,
  PRIMARY KEY (scope, position)
);

CREATE SEQUENCE slackwater.ticket;

CREATE TABLE slackwater.store (
  scope integer NOT NULL,
  key text COLLATE "C" NOT NULL,
  value bytea NOT NULL,
  revision bigint NOT NULL,
  expires_at bigint,
  PRIMARY KEY (scope, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE slackwater.store ALTER COLUMN value SET STORAGE EXTERNAL;
CREATE INDEX store_expiry ON slackwater.store (scope, expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE slackwater.wrapped_key (
  scope integer NOT NULL,
  key text COLLATE "C" NOT NULL,
  value bytea NOT NULL,
  revision bigint NOT NULL,
  PRIMARY KEY (scope, key)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0);

CREATE TABLE slackwater.queue (
  scope integer NOT NULL,
  id text COLLATE "C" NOT NULL,
  partition text COLLATE "C" NOT NULL,
  priority bigint NOT NULL,
  position bigint NOT NULL,
  order_key text COLLATE "C",
  names text,
  not_before bigint,
  state text COLLATE "C" NOT NULL CHECK (state IN ('ready', 'waiting', 'blocked')),
  until bigint NOT NULL,
  token bigint,
  holder text,
  PRIMARY KEY (scope, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX queue_ready ON slackwater.queue (scope, partition, priority, position) WHERE state = 'ready';
CREATE INDEX queue_waiting ON slackwater.queue (scope, partition, priority, until, position) WHERE state = 'waiting';
CREATE INDEX queue_line ON slackwater.queue (scope, order_key, position, id) WHERE order_key IS NOT NULL;
CREATE INDEX queue_unblocked ON slackwater.queue (scope, order_key)
  WHERE order_key IS NOT NULL AND state <> 'blocked';

CREATE TABLE slackwater.backlog (
  scope integer NOT NULL,
  partition text COLLATE "C" NOT NULL,
  slot integer NOT NULL,
  items bigint NOT NULL,
  names text,
  PRIMARY KEY (scope, partition, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);

CREATE TABLE slackwater.settled (
  part integer NOT NULL,
  scope integer NOT NULL,
  id text COLLATE "C" NOT NULL,
  until bigint NOT NULL,
  PRIMARY KEY (part, scope, id)
) PARTITION BY LIST (part);
CREATE TABLE slackwater.settled_0 PARTITION OF slackwater.settled FOR VALUES IN (0);
CREATE TABLE slackwater.settled_1 PARTITION OF slackwater.settled FOR VALUES IN (1);
CREATE TABLE slackwater.settled_2 PARTITION OF slackwater.settled FOR VALUES IN (2);

CREATE TABLE slackwater.dead_letter (
  scope integer NOT NULL,
  id text COLLATE "C" NOT NULL,
  partition text COLLATE "C" NOT NULL,
  priority bigint NOT NULL,
  position bigint NOT NULL,
  order_key text COLLATE "C",
  names text,
  not_before bigint,
  holder text,
  until bigint NOT NULL,
  PRIMARY KEY (scope, id)
);

CREATE TABLE slackwater.slackwater_version (version integer PRIMARY KEY);
INSERT INTO slackwater.slackwater_version VALUES (${schemaVersion});
`;

/** What the application's role needs to work with a schema that somebody else has made. */
export const grantsSql = (schema: string, role: string): string =>
  grants.replaceAll(/\bslackwater\b(?!_)/g, quoted(schema)).replaceAll(/\bapp\b/g, quoted(role));

const grants = `GRANT USAGE ON SCHEMA slackwater TO app;
GRANT SELECT ON slackwater.slackwater_version TO app;
GRANT SELECT, INSERT, UPDATE (log_size) ON slackwater.scope TO app;
GRANT SELECT, INSERT ON slackwater.log TO app;
GRANT USAGE ON SEQUENCE slackwater.ticket TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON slackwater.store, slackwater.wrapped_key, slackwater.queue, slackwater.backlog, slackwater.dead_letter TO app;
GRANT SELECT, INSERT, UPDATE ON slackwater.settled TO app;
GRANT SELECT, TRUNCATE ON slackwater.settled_0, slackwater.settled_1, slackwater.settled_2 TO app;
`;
