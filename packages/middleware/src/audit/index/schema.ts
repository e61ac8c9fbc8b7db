// The index is one SQLite file. Everything in it is in the log, too: it may be deleted at any time, and is made again.
//
//   followed   which ledger, how many of its entries were read, and the SHA-256 of the newest of them
//   word       the texts that many rows share, each once
//   deferral   one row for each `accepted` entry, under its position
//   step       one row for each later entry about a deferral, under its position: which deferral, and where the entry
//              changed the state: what it was before, and from which entry on. So a list can say what it held when it was begun
//   run_entry  one row for each entry about a run of an operation, under its position: which run
//   span       for each 4,096 positions the earliest and latest time of acceptance: where in the log a time is
//   tally      how many deferrals have a value, by state

/** "SLKX": tells an index from other SQLite files. */
export const indexApplicationId = 0x534c4b58;

/** Counted up with every change of the tables. An index of another version is thrown away. */
export const indexVersion = 2;

/** How many positions share a row of `span`. */
export const positionsPerSpan = 4_096;

/** What deferrals are found and counted by; the numbers are on disk. */
export const dimensions = { state: 0, workType: 1, partition: 2, requester: 3, operation: 4 } as const;

/** The name of a dimension. */
export type Dimension = keyof typeof dimensions;

/** The column that has the dimension's value. */
export const columnOf: Readonly<Record<Dimension, string>> = {
  state: 'state',
  workType: 'work_type',
  partition: 'partition',
  requester: 'requester',
  operation: 'operation',
};

/** The tables of a new index. */
export const indexSchema = `
CREATE TABLE followed (
  ledger TEXT NOT NULL,
  entries INTEGER NOT NULL,
  newest BLOB,
  unreadable INTEGER NOT NULL
) STRICT;
CREATE TABLE word (
  id INTEGER PRIMARY KEY,
  dimension INTEGER NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (dimension, text)
) STRICT;
CREATE TABLE deferral (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  lasted INTEGER NOT NULL,
  operation INTEGER NOT NULL,
  work_type INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  requester INTEGER NOT NULL,
  state INTEGER NOT NULL,
  since INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  postponements INTEGER NOT NULL,
  outcome_known INTEGER,
  error TEXT
) STRICT;
${(Object.keys(dimensions) as Dimension[])
  .map((name) => `CREATE INDEX by_${columnOf[name]} ON deferral (${columnOf[name]});`)
  .join('\n')}
CREATE TABLE step (
  position INTEGER PRIMARY KEY,
  deferral INTEGER NOT NULL,
  state INTEGER,
  since INTEGER
) STRICT;
CREATE INDEX steps_of ON step (deferral);
CREATE TABLE run_entry (
  position INTEGER PRIMARY KEY,
  run TEXT NOT NULL
) STRICT;
CREATE INDEX entries_of_run ON run_entry (run);
CREATE TABLE span (
  number INTEGER PRIMARY KEY,
  earliest INTEGER NOT NULL,
  latest INTEGER NOT NULL
) STRICT;
CREATE TABLE tally (
  dimension INTEGER NOT NULL,
  value INTEGER NOT NULL,
  state INTEGER NOT NULL,
  deferrals INTEGER NOT NULL,
  PRIMARY KEY (dimension, value, state)
) STRICT, WITHOUT ROWID;
PRAGMA application_id = ${indexApplicationId};
PRAGMA user_version = ${indexVersion};
`;
