import { isSlackwaterError } from '@slackwater/shared';
import { tableMissing } from './completion-error.ts';
import type { CompletionRow, Completions } from './driver.ts';

const pruneBatch = 1_000;

/** The completion rows of one database, and the clearing of old ones. */
export interface PrunableCompletions extends Completions {
  /** Removes rows older than that, in batches; resolves with how many. */
  prune(olderThanMs: number): Promise<number>;
}

/** Where something can be asked: a connection of the driver's own. */
export interface Asked<Asker> {
  use<T>(work: (asker: Asker) => Promise<T>): Promise<T>;
}

/** How one database is asked about completion rows, and what its errors mean. */
export interface CompletionQuestions<Asker> {
  /** For what is answered at once. */
  readonly questions: Asked<Asker>;
  /** For what may have to wait for somebody's transaction. */
  readonly waiting: Asked<Asker>;
  /** Creates the table where the driver may, and it is not known to be there. */
  ensureTable(asker: Asker): Promise<void>;
  /** Rejects with `completion-table-missing` where the table can't be used. */
  checkTable(asker: Asker): Promise<void>;
  rowsOf(asker: Asker, key: string): Promise<readonly CompletionRow[]>;
  shutOut(asker: Asker, key: string): Promise<'shut-out' | 'completed'>;
  /** Removes at most so many rows older than that; resolves with how many. */
  prune(asker: Asker, olderThanMs: number, atMost: number): Promise<number>;
  /** Whether the server answered with that error, rather than the way to it. */
  isServerError(error: unknown): boolean;
  /** Whether that error says that the database can't be reached. */
  isOutOfReach(error: unknown): boolean;
  /** What an error of the server is told as. */
  asRefusal(error: unknown): unknown;
}

/** Asks for completion rows over connections of the driver's own. */
export function askedCompletions<Asker>(asked: CompletionQuestions<Asker>): PrunableCompletions {
  const { questions, waiting } = asked;
  let known: Promise<void> | undefined;

  /** The first question of all may be one for rows, in a database that has no table yet. */
  function withTable<T>(work: (asker: Asker) => Promise<T>): (asker: Asker) => Promise<T> {
    return async (asker) => {
      await asked.ensureTable(asker);
      return work(asker);
    };
  }

  /** What the server refuses may be for want of the table: whether it is there is no longer known. */
  async function lookingAgain<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (!asked.isServerError(error)) throw error;
      known = undefined;
      throw asked.asRefusal(error);
    }
  }

  return {
    async ready() {
      known ??= questions.use(withTable((asker) => asked.checkTable(asker))).catch((error: unknown) => {
        known = undefined;
        // Whether the table is there nobody can tell now.
        throw isSlackwaterError(error) || asked.isOutOfReach(error)
          ? error
          : tableMissing(error, 'The table slackwater_completions could not be looked at');
      });
      await known;
    },

    find: (key) => lookingAgain(questions.use(withTable((asker) => asked.rowsOf(asker, key)))),

    shutOut: (key) => lookingAgain(waiting.use(withTable((asker) => asked.shutOut(asker, key)))),

    async prune(olderThanMs) {
      for (let pruned = 0; ; ) {
        const count = await waiting.use((asker) => asked.prune(asker, olderThanMs, pruneBatch));
        pruned += count;
        if (count < pruneBatch) return pruned;
      }
    },
  };
}

/** What rows of a key that is to be shut out say. */
export function meaningOf(rows: readonly CompletionRow[]): 'shut-out' | 'completed' {
  return rows.every(({ tombstone }) => tombstone) ? 'shut-out' : 'completed';
}
