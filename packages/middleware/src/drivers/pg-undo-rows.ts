import { SlackwaterError } from '@slackwater/shared';
import {
  columnsSql,
  describeTableSql,
  ensureImagesSql,
  type ImageColumn,
  nameTaskSql,
  takeImagesSql,
  undoDeleteSql,
  undoInsertSql,
  undoUpdateSql,
  watchTableSql,
} from './pg-row-images.ts';

/** A connection of `pg`, as far as it is used here. */
export interface UndoClient {
  query(text: string, values?: readonly unknown[]): Promise<UndoResult>;
}

/** A result of `pg`, as far as it is used here. */
export interface UndoResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rowCount: number | null;
}

/** A pool of `pg`, as far as it is used here. */
export interface UndoPool<Client extends UndoClient> {
  connect(): Promise<Client & { release(error?: boolean): void }>;
}

/** Which task of which run; a task's context has it. */
export interface UndoOf {
  readonly operation: string;
  readonly task: string;
}

/** What {@link undoRows} takes. */
export interface UndoRowsOptions {
  /** The tables whose rows tasks change, as a statement would name them. Each needs a primary key. */
  readonly tables: readonly string[];
}

/** Undoes what tasks changed in tables, row by row. */
export interface UndoRows<Client extends UndoClient> {
  /**
   * Creates the table of row images, its function and the triggers where they are missing. To be called when the process starts, by a role
   * that may; several processes may do so at once. Rejects with `option-invalid` for a table that is not there, or has no primary key.
   */
  ensure(): Promise<void>;
  /** Runs a task's work in a transaction in which images are taken of the rows it changes. What it rejects with rolls back. */
  transaction<Result>(task: UndoOf, work: (client: Client) => Promise<Result>): Promise<Result>;
  /**
   * A rollback: puts the rows that the task changed back as they were, all of them or none. Rejects with `undo-conflict` where somebody changed one of them
   * since, and nothing is changed then. A task that committed nothing, or was undone before, has nothing to be undone.
   */
  readonly rollback: (facts: unknown, task: UndoOf) => Promise<void>;
}

/**
 * Undoes tasks' changes to rows of PostgreSQL from images of the rows that were taken in the task's own transaction, by triggers. Other rows, and what
 * others changed, stay as they are. Throws `option-invalid`.
 */
export function undoRows<Client extends UndoClient>(
  pool: UndoPool<Client>,
  { tables }: UndoRowsOptions,
): UndoRows<Client> {
  if (!Array.isArray(tables) || tables.length === 0 || !tables.every((one) => typeof one === 'string')) {
    throw new SlackwaterError(
      'option-invalid',
      'undoRows(): tables: name the tables whose rows tasks change, one at least.',
    );
  }

  async function using<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    const client = await pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  }

  function inTransaction<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    return using(async (client) => {
      await client.query('BEGIN');
      try {
        const result = await work(client);
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {});
        throw error;
      }
    });
  }

  return {
    ensure: () =>
      using(async (client) => {
        await client.query(ensureImagesSql);
        for (const table of tables) {
          const [found] = (await client.query(describeTableSql, [table])).rows;
          if (found === undefined) throw unfit(table, 'there is no such table');
          if (!Array.isArray(found['key']))
            throw unfit(table, 'it has no primary key, by which its rows could be found again');
          await client.query(watchTableSql(String(found['name'])));
        }
      }),
    transaction: (task, work) =>
      inTransaction(async (client) => {
        await client.query(nameTaskSql, [keyOf(task)]);
        return work(client);
      }),
    rollback: (_, task) =>
      inTransaction(async (client) => {
        const columns = new Map<string, readonly ImageColumn[]>();
        for (const { relation, name, before, after } of (await client.query(takeImagesSql, [keyOf(task)]))
          .rows) {
          const table = String(name);
          const known = columns.get(table) ?? (await columnsOf(client, relation));
          columns.set(table, known);
          if ((await takeBack(client, table, known, before, after)) !== 1)
            throw conflict(table, known, after ?? before);
        }
      }),
  };
}

async function columnsOf(client: UndoClient, relation: unknown): Promise<readonly ImageColumn[]> {
  const { rows } = await client.query(columnsSql, [relation]);
  return rows.map(({ name, key }) => ({ name: String(name), key: key === true }));
}

async function takeBack(
  client: UndoClient,
  table: string,
  columns: readonly ImageColumn[],
  before: unknown,
  after: unknown,
): Promise<number | null> {
  if (after === null) return (await client.query(undoDeleteSql(table, columns), [before])).rowCount;
  if (before === null) return (await client.query(undoInsertSql(table, columns), [after])).rowCount;
  return (await client.query(undoUpdateSql(table, columns), [after, before])).rowCount;
}

function keyOf({ operation, task }: UndoOf): string {
  return `${operation}/${task}`;
}

function unfit(table: string, why: string): SlackwaterError {
  return new SlackwaterError('option-invalid', `undoRows(): tables: ${JSON.stringify(table)}: ${why}.`);
}

/** Names the row by its key alone: the rest of it is nobody's business. */
function conflict(table: string, columns: readonly ImageColumn[], image: unknown): SlackwaterError {
  const row = JSON.parse(String(image)) as Readonly<Record<string, unknown>>;
  const key = columns.flatMap(({ name, key }) =>
    key ? [`${name} ${JSON.stringify(row[unquoted(name)])}`] : [],
  );
  return new SlackwaterError(
    'undo-conflict',
    `The row of ${table} with ${key.join(', ')} is not as the task left it: somebody changed it since. Nothing was undone; put it right by hand, and resume.`,
  );
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
