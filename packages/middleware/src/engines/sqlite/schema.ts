/** "SLKW": tells a file of Slackwater from other SQLite files. */
export const applicationId = 0x534c4b57;

/** Counted up with every change of the tables; `docs/engines.md` describes them. */
export const schemaVersion = 1;

/** What a new file gets. */
export const fileSchema = `
CREATE TABLE scope (
  id INTEGER PRIMARY KEY,
  application TEXT NOT NULL,
  resource_group TEXT NOT NULL,
  sequence INTEGER NOT NULL DEFAULT 0,
  UNIQUE (application, resource_group)
) STRICT;
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${schemaVersion};
`;

/**
 * What each scope gets. Tables of its own keep the log's key the row's own address, which makes an append the
 * cheapest write that SQLite has.
 */
export const scopeSchema = (scope: number): string => `
CREATE TABLE IF NOT EXISTS log_${scope} (
  position INTEGER PRIMARY KEY,
  entry BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS store_${scope} (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  value BLOB NOT NULL,
  revision INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS store_${scope}_expiry ON store_${scope} (expires_at) WHERE expires_at IS NOT NULL;
${queueSchema(scope)}`;

/** The queue's part of {@link scopeSchema}. */
export const queueSchema = (scope: number): string => `
CREATE TABLE IF NOT EXISTS queue_${scope} (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  partition TEXT NOT NULL,
  priority INTEGER NOT NULL,
  position INTEGER NOT NULL,
  order_key TEXT,
  not_before INTEGER,
  state TEXT NOT NULL CHECK (state IN ('ready', 'waiting', 'blocked', 'settled', 'dead')),
  until INTEGER NOT NULL DEFAULT 0,
  token INTEGER,
  holder TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS queue_${scope}_ready ON queue_${scope} (partition, priority, position)
  WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS queue_${scope}_waiting ON queue_${scope} (partition, priority, until, position)
  WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS queue_${scope}_order ON queue_${scope} (order_key, position)
  WHERE order_key IS NOT NULL AND state IN ('ready', 'waiting', 'blocked');
CREATE INDEX IF NOT EXISTS queue_${scope}_kept ON queue_${scope} (until)
  WHERE state IN ('settled', 'dead');

CREATE TABLE IF NOT EXISTS backlog_${scope} (
  partition TEXT PRIMARY KEY,
  items INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS queue_${scope}_arrives AFTER INSERT ON queue_${scope} BEGIN
  INSERT INTO backlog_${scope} VALUES (new.partition, 1)
    ON CONFLICT (partition) DO UPDATE SET items = items + 1;
END;
CREATE TRIGGER IF NOT EXISTS queue_${scope}_ends AFTER UPDATE OF state ON queue_${scope}
WHEN new.state IN ('settled', 'dead') AND old.state NOT IN ('settled', 'dead') BEGIN
  UPDATE backlog_${scope} SET items = items - 1 WHERE partition = old.partition;
  DELETE FROM backlog_${scope} WHERE partition = old.partition AND items = 0;
END;
CREATE TRIGGER IF NOT EXISTS queue_${scope}_leaves AFTER DELETE ON queue_${scope}
WHEN old.state NOT IN ('settled', 'dead') BEGIN
  UPDATE backlog_${scope} SET items = items - 1 WHERE partition = old.partition;
  DELETE FROM backlog_${scope} WHERE partition = old.partition AND items = 0;
END;
`;

/** What the database of the wrapped keys gets. `owner` is the JSON list of application and group. */
export const wrappedKeySchema = `
CREATE TABLE IF NOT EXISTS keys.wrapped_key (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
PRAGMA keys.application_id = ${applicationId};
PRAGMA keys.user_version = ${schemaVersion};
`;
