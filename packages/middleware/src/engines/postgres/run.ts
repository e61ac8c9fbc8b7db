import type { Clock } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import { isRefusal } from './failures.ts';
import type { LentConnection } from './lending.ts';
import type { EngineQueryResult } from './pool.ts';
import { type Row, rowTypes } from './row-values.ts';

/** Runs one statement of a transaction. */
export type Query = (text: string, values: readonly unknown[]) => Promise<readonly Row[]>;

/** One attempt at a transaction, on a connection that is nobody else's meanwhile. */
export class Run {
  /** How far it has come; until `committing` nothing can have been done. */
  phase: 'beginning' | 'working' | 'committing' = 'beginning';
  #timedOut = false;
  readonly #connection: LentConnection;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #stopTimer: () => void = () => {};

  /** `timeoutMs`: for all of it, where the server does not answer. */
  constructor(connection: LentConnection, clock: Clock, timeoutMs: number) {
    this.#connection = connection;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Runs `work` between BEGIN and COMMIT; to be called once. */
  async all<T>(begin: string, work: (query: Query) => Promise<T>): Promise<T> {
    const expired = new Promise<never>((_, reject) => {
      const timer = this.#clock.after(this.#timeoutMs, () => {
        this.#timedOut = true;
        reject(new Error(`no answer within ${this.#timeoutMs} ms`));
      });
      this.#stopTimer = () => timer.cancel();
    });
    return await Promise.race([this.#all(begin, work), expired]).finally(() => this.#stopTimer());
  }

  async #all<T>(begin: string, work: (query: Query) => Promise<T>): Promise<T> {
    const [began] = (await this.#query({ text: begin })).rows as readonly Row[];
    if (began?.['standby'] === true) throw standby();
    this.phase = 'working';
    const answer = await work(async (text, values) => {
      return (await this.#query({ text, values: [...values] })).rows as readonly Row[];
    });
    this.phase = 'committing';
    const { command } = await this.#query({ text: 'COMMIT' });
    if (command !== 'COMMIT') throw rolledBack();
    return answer;
  }

  async #query(config: { text: string; values?: unknown[] }): Promise<EngineQueryResult> {
    const answered = await this.#connection.client.query({ ...config, types: rowTypes });
    // A text of several statements is answered with several results.
    return (Array.isArray(answered) ? answered.at(-1) : answered) as EngineQueryResult;
  }

  /** Whether the connection proved dead before anything was begun on it. */
  foundDead(error: unknown): boolean {
    const isAnswer = isRefusal(error) || error instanceof EngineError;
    return this.phase === 'beginning' && !isAnswer && !this.#timedOut;
  }

  /** Gives the connection back after it succeeded. */
  release(): void {
    this.#connection.release();
  }

  /** Gives the connection back after a failure: rolled back if it answers, else closed. */
  async giveUp(error: unknown): Promise<void> {
    const { client, release } = this.#connection;
    if (!isRefusal(error) && !(error instanceof EngineError)) {
      release(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    const timer = this.#clock.after(this.#timeoutMs, () => release(new Error('no answer to ROLLBACK')));
    try {
      await client.query({ text: 'ROLLBACK' });
      release();
    } catch (cause) {
      release(cause instanceof Error ? cause : new Error(String(cause)));
    } finally {
      timer.cancel();
    }
  }
}

function standby(): EngineError {
  return new EngineError(
    'engine-unavailable',
    'none',
    'the server is a standby, which can neither be written nor be read without delay; let the pool connect to the primary',
  );
}

/** What PostgreSQL answers to COMMIT where an error went before that nobody heard of. */
function rolledBack(): EngineError {
  return new EngineError('engine-unavailable', 'none', 'the server rolled the transaction back; try again');
}
