/** Where the database is, and how its partition is called. */
export interface OrmSetup {
  readonly address: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  readonly partition: string;
  /** How many connections the ORM's pool may hold. */
  readonly max: number;
}

/** An application's database layer on one ORM, made and observed as its documents say. */
export interface OrmUnderTest {
  /** One INSERT outside a transaction. */
  insert(reference: string): Promise<unknown>;
  /** A SELECT outside a transaction. */
  count(reference: string): Promise<number>;
  /** Inserts all of them in one transaction; rolled back where something fails. */
  transaction(references: readonly string[], before?: () => Promise<unknown>): Promise<unknown>;
  /** A transaction that only reads. */
  readingTransaction(): Promise<unknown>;
  /** A transaction with two nested ones: the first is kept, the second rolled back. */
  nested(outer: string, kept: string, rolledBack: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** One ORM, and how it is set up. */
export interface Orm {
  readonly name: string;
  start(setup: OrmSetup): Promise<OrmUnderTest>;
}

/** Thrown where a transaction is to be rolled back. */
export class TakenBack extends Error {}

/** Runs what is rolled back on purpose. */
export async function takenBack(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof TakenBack)) throw error;
  }
}
