import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

type Task = { readonly operation: string; readonly task: string };

/** What the suite needs of a driver's `undoRows`, and of its database. */
export interface UndoUnderTest {
  /** Statements that are none of a task's. */
  sql(...statements: readonly string[]): Promise<void>;
  /** All rows of a table by its key, with values as exact as the driver gives them. */
  rows(table: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** What `undoRows` of the tables gives; work is said as statements. */
  undo(tables: readonly string[]): {
    ensure(): Promise<void>;
    transaction(task: Task, statements: readonly string[]): Promise<void>;
    readonly rollback: (facts: unknown, task: Task) => Promise<void>;
  };
  /** Columns of every type that the database is likely to have, each with a value as a statement has it, and another one. */
  readonly types: readonly (readonly [type: string, value: string, other: string])[];
  /** A column that is made of the column `n`. */
  readonly generated: string;
  /** Whether rows that a foreign key takes along are seen: then it is enough to name their table. */
  readonly seesCascades: boolean;
  readonly quote: (name: string) => string;
  dispose(): Promise<void>;
}

let tasks = 0;
const newTask = (): Task => ({ operation: `run ${++tasks}`, task: 'reserve' });

/** The suite that `undoRows` of every driver must pass. */
export function undoRowsContract(driver: string, make: () => Promise<UndoUnderTest>): void {
  describe(`undoRows of ${driver}`, () => {
    let db: UndoUnderTest;
    beforeAll(async () => {
      db = await make();
      await db.sql(
        'CREATE TABLE seats (flight varchar(20) NOT NULL, seat int NOT NULL, taken_by varchar(40), PRIMARY KEY (flight, seat))',
        `CREATE TABLE exacts (id int NOT NULL PRIMARY KEY, ${db.types.map(([type], i) => `c${i} ${type}`).join(', ')})`,
        `CREATE TABLE sums (id int NOT NULL PRIMARY KEY, n int NOT NULL, ${db.generated}, ${db.quote('a "name", of all')} varchar(40))`,
        'CREATE TABLE trips (id int NOT NULL PRIMARY KEY, name varchar(40) UNIQUE)',
        'CREATE TABLE legs (id int NOT NULL PRIMARY KEY, trip int, FOREIGN KEY (trip) REFERENCES trips (id))',
        'CREATE TABLE owners (id int NOT NULL PRIMARY KEY, name varchar(9))',
        'CREATE TABLE pets (id int NOT NULL PRIMARY KEY, owner int, FOREIGN KEY (owner) REFERENCES owners (id) ON DELETE CASCADE)',
        'CREATE TABLE keyless (n int)',
      );
    });
    afterAll(() => db.dispose());
    beforeEach(async () => {
      for (const table of ['seats', 'exacts', 'sums', 'legs', 'trips', 'pets', 'owners'])
        await db.sql(`DELETE FROM ${table}`);
      await db.sql(
        "INSERT INTO seats VALUES ('a', 1, NULL), ('a', 2, 'bob'), ('a', 3, NULL), ('b', 1, 'Ann')",
        "INSERT INTO trips VALUES (1, 'north')",
        'INSERT INTO legs VALUES (1, 1)',
      );
    });

    it('takes back what a task inserted, updated and deleted, and nothing that others did (T-34, T-37)', async () => {
      const rows = db.undo(['seats']);
      await rows.ensure();
      await rows.ensure();
      const task = newTask();
      await rows.transaction(task, [
        "UPDATE seats SET taken_by = 'ann' WHERE seat = 1",
        "UPDATE seats SET taken_by = 'cy' WHERE flight = 'a' AND seat = 1",
        "DELETE FROM seats WHERE flight = 'a' AND seat = 2",
        "INSERT INTO seats VALUES ('c', 9, 'dee')",
        "UPDATE seats SET seat = 10 WHERE flight = 'c'",
      ]);
      const left = await db.rows('seats');
      await db.sql(
        "UPDATE seats SET taken_by = 'eve' WHERE seat = 3",
        "INSERT INTO seats VALUES ('d', 1, 'fay')",
      );
      await rows.rollback(undefined, task);
      const expected = [
        { flight: 'a', seat: 1, taken_by: null },
        { flight: 'a', seat: 2, taken_by: 'bob' },
        { flight: 'a', seat: 3, taken_by: 'eve' },
        { flight: 'b', seat: 1, taken_by: 'Ann' },
        { flight: 'd', seat: 1, taken_by: 'fay' },
      ];
      expect(left).not.toEqual(expected);
      expect(await db.rows('seats')).toEqual(expected);
      expect(await db.rows('slackwater_row_images')).toEqual([]);
      // Once more there is nothing left to be undone.
      await db.sql("UPDATE seats SET taken_by = 'gus'");
      await rows.rollback(undefined, task);
      expect((await db.rows('seats')).every((row) => row['taken_by'] === 'gus')).toBe(true);
    });

    it('puts every value back to the bit, whatever its type', async () => {
      const rows = db.undo(['exacts']);
      await rows.ensure();
      const row = (id: number, values: readonly string[]) =>
        `INSERT INTO exacts VALUES (${[id, ...values].join(', ')})`;
      await db.sql(
        row(
          1,
          db.types.map(([, value]) => value),
        ),
        row(
          2,
          db.types.map(() => 'NULL'),
        ),
        row(
          3,
          db.types.map(([, , other]) => other),
        ),
      );
      const before = await db.rows('exacts');
      const task = newTask();
      await rows.transaction(task, [
        `UPDATE exacts SET ${db.types.map(([, , other], i) => `c${i} = ${other}`).join(', ')} WHERE id = 1`,
        `UPDATE exacts SET ${db.types.map(([, value], i) => `c${i} = ${value}`).join(', ')} WHERE id = 2`,
        'DELETE FROM exacts WHERE id = 3',
        row(
          4,
          db.types.map(([, value]) => value),
        ),
      ]);
      expect(await db.rows('exacts')).not.toEqual(before);
      await rows.rollback(undefined, task);
      expect(await db.rows('exacts')).toEqual(before);
    });

    it('leaves columns that are generated to the database, and takes names as they come', async () => {
      const name = db.quote('a "name", of all');
      await db.sql(`INSERT INTO sums (id, n, ${name}) VALUES (1, 2, 'o''clock\t'), (2, 3, NULL)`);
      const rows = db.undo(['sums']);
      await rows.ensure();
      const before = await db.rows('sums');
      const task = newTask();
      await rows.transaction(task, [
        `UPDATE sums SET n = 5, ${name} = NULL WHERE id = 1`,
        'DELETE FROM sums WHERE id = 2',
        'INSERT INTO sums (id, n) VALUES (3, 4)',
      ]);
      await rows.rollback(undefined, task);
      expect(await db.rows('sums')).toEqual(before);
    });

    it.each<[string, string, string, string]>([
      [
        'updated',
        "UPDATE seats SET taken_by = 'ann' WHERE flight = 'b'",
        "UPDATE seats SET taken_by = 'ANN' WHERE flight = 'b'",
        "UPDATE seats SET taken_by = 'ann' WHERE flight = 'b'",
      ],
      [
        'inserted',
        "INSERT INTO seats VALUES ('z', 1, NULL)",
        "UPDATE seats SET taken_by = 'x' WHERE flight = 'z'",
        "UPDATE seats SET taken_by = NULL WHERE flight = 'z'",
      ],
      [
        'deleted',
        "DELETE FROM seats WHERE flight = 'b'",
        "INSERT INTO seats VALUES ('b', 1, NULL)",
        "DELETE FROM seats WHERE flight = 'b'",
      ],
    ])(
      'reports a conflict where somebody changed a row that the task %s, and then changes none (T-37)',
      async (_, does, since, mended) => {
        const rows = db.undo(['seats']);
        await rows.ensure();
        const before = await db.rows('seats');
        const task = newTask();
        await rows.transaction(task, [does, "UPDATE seats SET taken_by = 'other' WHERE seat = 3"]);
        await db.sql(since);
        const between = await db.rows('seats');
        const refused = rows.rollback(undefined, task);
        await expect(refused).rejects.toMatchObject({
          code: 'undo-conflict',
          message: expect.stringMatching(/with flight "[bz]", seat "?1"? is not as the task left it/),
        });
        expect(await db.rows('seats')).toEqual(between);
        await db.sql(mended);
        await rows.rollback(undefined, task);
        expect(await db.rows('seats')).toEqual(before);
      },
    );

    it('goes back in the order that foreign keys want, and reports a conflict where others refer to what would go', async () => {
      const rows = db.undo(['trips', 'legs']);
      await rows.ensure();
      const before = [await db.rows('trips'), await db.rows('legs')];
      const work = [
        "INSERT INTO trips VALUES (2, 'south')",
        'INSERT INTO legs VALUES (2, 2)',
        'DELETE FROM legs WHERE id = 1',
        'DELETE FROM trips WHERE id = 1',
      ];
      const [task, used] = [newTask(), newTask()];
      await rows.transaction(task, work);
      await rows.rollback(undefined, task);
      expect([await db.rows('trips'), await db.rows('legs')]).toEqual(before);
      await rows.transaction(used, work);
      await db.sql('INSERT INTO legs VALUES (3, 2)');
      await expect(rows.rollback(undefined, used)).rejects.toMatchObject({ code: 'undo-conflict' });
      await db.sql('DELETE FROM legs WHERE id = 3', "INSERT INTO trips VALUES (9, 'north')");
      await expect(rows.rollback(undefined, used)).rejects.toMatchObject({ code: 'undo-conflict' });
      await db.sql('DELETE FROM trips WHERE id = 9');
      await rows.rollback(undefined, used);
      expect([await db.rows('trips'), await db.rows('legs')]).toEqual(before);
    });

    it('refuses tables that are not there, whose rows could not be found again, and that take rows of others along', async () => {
      await expect(db.undo(['nowhere']).ensure()).rejects.toThrow(/"nowhere": there is no such table/);
      await expect(db.undo(['keyless']).ensure()).rejects.toThrow(/"keyless": it has no primary key/);
      await expect(db.undo(['owners']).ensure()).rejects.toThrow(
        /rows of "pets" are changed with its own, by a foreign key/,
      );
      expect(() => db.undo([])).toThrow(/name the tables/);
      const rows = db.undo(['owners', 'pets']);
      if (!db.seesCascades) return expect(rows.ensure()).rejects.toThrow(/rows of "pets" are changed/);
      await rows.ensure();
      await db.sql('INSERT INTO owners VALUES (1, NULL)', 'INSERT INTO pets VALUES (1, 1), (2, 1)');
      const before = [await db.rows('owners'), await db.rows('pets')];
      const [task, adopting] = [newTask(), newTask()];
      await rows.transaction(task, ['DELETE FROM owners']);
      expect(await db.rows('pets')).toEqual([]);
      await rows.rollback(undefined, task);
      expect([await db.rows('owners'), await db.rows('pets')]).toEqual(before);
      await rows.transaction(adopting, ["INSERT INTO owners VALUES (2, 'x')"]);
      await db.sql('INSERT INTO pets VALUES (3, 2)');
      // With the owner somebody else's pet would go.
      await expect(rows.rollback(undefined, adopting)).rejects.toMatchObject({ code: 'undo-conflict' });
      expect(await db.rows('pets')).toHaveLength(3);
      await db.sql('DELETE FROM pets WHERE id = 3');
      await rows.rollback(undefined, adopting);
      expect([await db.rows('owners'), await db.rows('pets')]).toEqual(before);
    });

    it('has nothing to undo of a task that failed, nor of what nobody did for a task', async () => {
      const rows = db.undo(['seats']);
      await rows.ensure();
      const before = await db.rows('seats');
      const task = newTask();
      await expect(
        rows.transaction(task, ["UPDATE seats SET taken_by = 'ann'", 'INSERT INTO nowhere VALUES (1)']),
      ).rejects.toThrow();
      expect(await db.rows('seats')).toEqual(before);
      await db.sql("UPDATE seats SET taken_by = 'bo' WHERE flight = 'b'");
      expect(await db.rows('slackwater_row_images')).toEqual([]);
      await rows.rollback(undefined, task);
      expect((await db.rows('seats')).at(-1)).toMatchObject({ taken_by: 'bo' });
    });
  });
}
