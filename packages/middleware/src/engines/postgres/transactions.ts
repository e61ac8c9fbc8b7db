import type { EngineError } from '../engine-error.ts';
import { engineError, isCollision, isRefusal } from './failures.ts';
import { type LentConnection, lend, type TransactionsSetup } from './lending.ts';
import { type Query, Run } from './run.ts';

export type { Query } from './run.ts';

/** A transaction that met another is tried so often, and one whose connection proved dead before it began. */
const mostAttempts = 3;

/**
 * Runs transactions on connections of a pool. Each is bounded: by the server, with settings of the transaction's own,
 * so that nothing of it outlives a caller that is gone, and by this process, for servers that do not answer.
 *
 * Crash points: before COMMIT is sent nothing was done, and the fate is `none`. After that only the server's answer
 * tells; where it does not come, the fate is `unknown`.
 */
export class Transactions {
  readonly #setup: TransactionsSetup;
  readonly #begin: string;
  #connected = true;

  constructor(setup: TransactionsSetup) {
    this.#setup = setup;
    this.#begin = beginSql(setup.timeoutMs);
  }

  /** Whether the server had an answer, good or bad, to who asked it last. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Runs `work` in a transaction that writes; resolves when the server has it durable. */
  write<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.#attempt(work, 'unknown');
  }

  /** Runs `work` in a transaction that only reads: nothing of it is ever in doubt. */
  read<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.#attempt(work, 'none');
  }

  async #attempt<T>(work: (query: Query) => Promise<T>, lost: EngineError['fate']): Promise<T> {
    const { clock, timeoutMs, where } = this.#setup;
    for (let attempt = 1; ; attempt += 1) {
      const run = new Run(await this.#lend(), clock, 2 * timeoutMs);
      try {
        const answer = await run.all(this.#begin, work);
        run.release();
        this.#connected = true;
        return answer;
      } catch (error) {
        void run.giveUp(error);
        if (attempt < mostAttempts && (run.foundDead(error) || isCollision(error))) continue;
        this.#connected = isRefusal(error);
        const fate = run.phase === 'committing' && !isRefusal(error) ? lost : 'none';
        throw engineError(error, where, fate);
      }
    }
  }

  async #lend(): Promise<LentConnection> {
    try {
      return await lend(this.#setup);
    } catch (error) {
      this.#connected = false;
      throw error;
    }
  }
}

/**
 * Settings of the transaction's own, whatever the role's defaults are. A process that is stopped in the middle loses
 * its locks before others have waited too long for them.
 */
function beginSql(timeoutMs: number): string {
  const third = Math.ceil(timeoutMs / 3);
  return `BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL statement_timeout = ${timeoutMs};
    SET LOCAL lock_timeout = ${2 * third};
    SET LOCAL idle_in_transaction_session_timeout = ${third};
    SET LOCAL bytea_output = hex;
    SELECT pg_is_in_recovery() AS standby, set_config('synchronous_commit',
      CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)`;
}
