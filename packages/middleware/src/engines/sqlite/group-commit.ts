import type { Clock } from '../../clock.ts';
import type { DatabaseFile } from './database-file.ts';
import { describeFailure, isBusy, isFull } from './failures.ts';
import { type Failure, isWrite } from './protocol.ts';
import type { AnyReply, Call } from './scope-tables.ts';
import { type Attempt, openTransactions } from './transactions.ts';

/** What became of a call. */
export type Answer =
  | { readonly kind: 'reply'; readonly reply: AnyReply }
  | { readonly kind: 'failure'; readonly failure: Failure };

/** Takes the next answers, in the order of the calls. */
export type Answered = (answers: readonly Answer[]) => void;

/**
 * Performs batches of calls on an open file: in their order, the answers in the same order, in pieces, each when
 * it is durable. All calls of a batch share one transaction; where it fails, each gets one of its own, so that a
 * call that cannot be done spoils no other.
 */
export class GroupCommit {
  readonly #opened: DatabaseFile;
  readonly #attempt: (calls: readonly Call[]) => Attempt;
  readonly #file: string;
  readonly #busyTimeoutMs: number;
  readonly #clock: Clock;
  #wasFull = false;
  /** A key was destroyed, and copies of its page are still in the write-ahead log of the wrapped keys. */
  #destroyed = false;

  /** A lock that another process holds is waited for up to `busyTimeoutMs` a batch. */
  constructor(opened: DatabaseFile, file: string, busyTimeoutMs: number, clock: Clock) {
    this.#opened = opened;
    this.#attempt = openTransactions(opened);
    this.#file = file;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#clock = clock;
  }

  /** Performs a batch. */
  perform(calls: readonly Call[], answered: Answered): void {
    const deadline = this.#clock.now() + this.#busyTimeoutMs;
    let rest = calls;
    while (rest.length > 0) {
      const result = this.#attemptUntil(rest, deadline);
      if (result.kind === 'committed') {
        this.#committed(rest, result.replies, answered);
        rest = rest.slice(result.replies.length);
        continue;
      }
      if (result.fate === 'unknown') {
        const failure = describeFailure(result.error, this.#file, 'unknown');
        answered(rest.map(() => ({ kind: 'failure', failure })));
      } else {
        this.#performOneByOne(rest, deadline, answered);
      }
      return;
    }
  }

  #performOneByOne(calls: readonly Call[], deadline: number, answered: Answered): void {
    let lockedOut: Failure | undefined;
    for (const call of calls) {
      if (lockedOut !== undefined && isWrite(call.name)) {
        answered([{ kind: 'failure', failure: lockedOut }]);
        continue;
      }
      const result = this.#attemptUntil([call], deadline);
      if (result.kind === 'committed') {
        this.#committed([call], result.replies, answered);
        continue;
      }
      const failure = describeFailure(result.error, this.#file, result.fate);
      if (isBusy(result.error)) lockedOut = failure;
      if (isFull(result.error)) this.#wasFull = true;
      answered([{ kind: 'failure', failure }]);
    }
  }

  #attemptUntil(calls: readonly Call[], deadline: number): Attempt {
    while (true) {
      const result = this.#attempt(calls);
      const again = result.kind === 'failed' && isBusy(result.error) && this.#clock.now() < deadline;
      if (!again) return result;
    }
  }

  #committed(calls: readonly Call[], replies: readonly AnyReply[], answered: Answered): void {
    this.#destroyed ||= calls.slice(0, replies.length).some(({ name }) => name === 'keyDestroy');
    if (this.#destroyed) this.#foldKeys();
    answered(replies.map((reply) => ({ kind: 'reply', reply })));
    if (this.#wasFull) this.#foldLog();
  }

  /** Before the answer: who is told that a key is destroyed finds it in neither file. */
  #foldKeys(): void {
    try {
      const [result] = this.#opened.database.prepare('PRAGMA keys.wal_checkpoint(TRUNCATE)').all();
      // Where another process reads or writes just now, the next commit tries again.
      this.#destroyed = Number(result?.['busy']) !== 0;
    } catch {
      // The same.
    }
  }

  /**
   * After a full disk the write-ahead log is folded into the file as soon as there is some room again: if it
   * first grew on, it would take that room, and none would be left to fold it.
   */
  #foldLog(): void {
    try {
      this.#opened.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#wasFull = false;
    } catch {
      // Not enough room yet; the next call that gets through tries again.
    }
  }
}
