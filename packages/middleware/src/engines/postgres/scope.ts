import type { Clock } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import type { HostNews } from './news.ts';
import type { Transactions } from './transactions.ts';

/** One opened scope: what log, store and queue are made with. */
export interface Scope {
  /** Its number in every table. */
  readonly id: number;
  /** The schema, quoted. */
  readonly schema: string;
  /** Which of a partition's counters this process counts with. */
  readonly slot: number;
  readonly where: string;
  readonly clock: Clock;
  readonly transactions: Transactions;
  /** Where other hosts are told what was written. */
  readonly news: Pick<HostNews, 'enqueued' | 'due' | 'changed'>;
}

/** The time that the server has, in Unix milliseconds; one and the same within a statement. */
export const serverNow = '(SELECT floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint)';

/** An answer to one caller is kept below so many bytes, unless one value alone is larger. */
export const mostAnswerBytes = 16 * 1024 * 1024;

/** The calls that are under way, so that closing can wait for them. */
export class CallsUnderWay {
  readonly #calls = new Set<Promise<unknown>>();
  #closed = false;

  /** Whether no more calls are taken. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Runs a call, unless closed. */
  run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new EngineError('engine-closed', 'none', 'the engine is closed'));
    const running = call();
    const settled = running.then(
      () => {},
      () => {},
    );
    this.#calls.add(settled);
    void settled.then(() => this.#calls.delete(settled));
    return running;
  }

  /** Takes no more calls; resolves when the last has been answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#calls);
  }
}
