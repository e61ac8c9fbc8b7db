import {
  columnsSql,
  describeTableSql,
  ensureImagesSql,
  type ImageColumn,
  nameTaskSql,
  readImagesSql,
  showImageSql,
  takeImagesSql,
  takenWithItSql,
  undoDeleteSql,
  undoInsertSql,
  undoUpdateSql,
  watchTableSql,
} from './pg-row-images.ts';
import {
  checkUndoTables,
  noPrimaryKey,
  takesWithIt,
  type UndoOf,
  type UndoRowsOptions,
  undoAltered,
  undoConflict,
  undoInUse,
  undoKeyOf,
  unfitTable,
} from './undo-rows.ts';

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

/** Rows are referred to by others, refer to none, or have a unique key that another one has by now: class 23 of SQLSTATE. */
const constraintErrors: ReadonlySet<unknown> = new Set(['23001', '23503', '23505', '23P01']);

/**
 * Undoes tasks' changes to rows of PostgreSQL from images of the rows that were taken in the task's own transaction, by triggers. Other rows, and what
 * others changed, stay as they are. Throws `option-invalid`.
 */
export function undoRows<Client extends UndoClient>(
  pool: UndoPool<Client>,
  options: UndoRowsOptions,
): UndoRows<Client> {
  checkUndoTables(options);

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
        const found: (Record<'table' | 'name' | 'columns', string> & { readonly relation: unknown })[] = [];
        for (const table of options.tables) {
          const [row] = (await client.query(describeTableSql, [table])).rows;
          if (row === undefined) throw unfitTable(table, 'there is no such table');
          if (!Array.isArray(row['key'])) throw unfitTable(table, noPrimaryKey);
          const [name, columns] = [String(row['name']), String(row['columns'])];
          found.push({ table, name, columns, relation: row['oid'] });
        }
        for (const { table, name, columns, relation } of found) {
          const { rows } = await client.query(takenWithItSql, [relation, found.map((one) => one.relation)]);
          const [child] = rows;
          if (child !== undefined) {
            throw unfitTable(table, `${takesWithIt(String(child['name']))}; name that table too`);
          }
          await client.query(watchTableSql(name, columns));
        }
      }),
    transaction: (task, work) =>
      inTransaction(async (client) => {
        await client.query(nameTaskSql, [undoKeyOf(task)]);
        return work(client);
      }),
    rollback: async (_, task) => {
      const undo = (inAnyOrder: boolean) =>
        inTransaction((client) => takeBackAll(client, undoKeyOf(task), inAnyOrder));
      try {
        // In the order of the images as it comes, and where foreign keys want another one, in that.
        await undo(false).catch((error: unknown) => {
          if (!constraintErrors.has(codeOf(error))) throw error;
          return undo(true);
        });
      } catch (error) {
        throw constraintErrors.has(codeOf(error)) ? undoInUse(error) : error;
      }
    },
  };
}

interface Image {
  readonly table: string;
  readonly columns: readonly ImageColumn[];
  readonly before: unknown;
  readonly after: unknown;
}

/** Takes all changes of a task back, the newest first. Rejects with `undo-conflict`. */
async function takeBackAll(client: UndoClient, key: string, inAnyOrder: boolean): Promise<void> {
  await client.query(readImagesSql);
  const images = await imagesOf(client, key);
  const own = `${key}/undo`;
  await client.query(nameTaskSql, [own]);
  if (inAnyOrder) await takeBackInAnyOrder(client, images);
  else for (const image of images) await takeBack(client, image);
  // What else went with it was somebody else's.
  if ((await client.query(takeImagesSql, [own])).rows.length !== images.length) throw undoInUse();
}

async function imagesOf(client: UndoClient, key: string): Promise<readonly Image[]> {
  const columns = new Map<string, readonly ImageColumn[]>();
  const images: Image[] = [];
  for (const { relation, name, is_same, before, after } of (await client.query(takeImagesSql, [key])).rows) {
    const table = String(name);
    if (is_same !== true) throw undoAltered(table);
    const known = columns.get(table) ?? (await columnsOf(client, relation));
    columns.set(table, known);
    images.push({ table, columns: known, before, after });
  }
  return images;
}

/**
 * What a foreign key took along has its image after the row that it went with, and can't be put back before it. So whatever can't be taken back
 * yet is tried again when others were. Each change is taken back from the very row that it left, so that changes of one row keep their order.
 */
async function takeBackInAnyOrder(client: UndoClient, images: readonly Image[]): Promise<void> {
  for (let left = images; left.length > 0; ) {
    const failed: { readonly image: Image; readonly error: unknown }[] = [];
    for (const image of left) {
      await client.query('SAVEPOINT slackwater_undo');
      const error = await takeBack(client, image).then(
        () => undefined,
        (thrown: unknown) => thrown ?? new Error('it failed'),
      );
      if (error === undefined) {
        await client.query('RELEASE SAVEPOINT slackwater_undo');
        continue;
      }
      await client.query('ROLLBACK TO SAVEPOINT slackwater_undo');
      failed.push({ image, error });
    }
    if (failed.length === left.length) throw failed[0]?.error;
    left = failed.map(({ image }) => image);
  }
}

async function columnsOf(client: UndoClient, relation: unknown): Promise<readonly ImageColumn[]> {
  const { rows } = await client.query(columnsSql, [relation]);
  return rows.map(({ name, key }) => ({ name: String(name), key: key === true }));
}

async function takeBack(client: UndoClient, image: Image): Promise<void> {
  const { table, columns, before, after } = image;
  const undone = (): Promise<UndoResult> => {
    if (after === null) return client.query(undoDeleteSql(table, columns), [before]);
    if (before === null) return client.query(undoInsertSql(table, columns), [after]);
    return client.query(undoUpdateSql(table, columns), [after, before]);
  };
  if ((await undone()).rowCount === 1) return;
  const [shown] = (await client.query(showImageSql(table), [after ?? before])).rows;
  const row = JSON.parse(String(shown?.['row'])) as Readonly<Record<string, unknown>>;
  throw undoConflict(
    table,
    columns.flatMap(({ name, key }) => (key ? [[name, row[unquoted(name)]] as const] : [])),
  );
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
