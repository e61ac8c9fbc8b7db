import { systemClock } from '../clock.ts';
import { requestContext } from '../request-context.ts';

/** What a driver's own connection is made of. */
export interface ConnectionKind<Connection> {
  /** Opens one, ready to be asked; calls `onGone` when it is of use no longer. One that can't be made ready it ends itself. */
  open(onGone: () => void): Promise<Connection>;
  /** Ends one, answered or not. */
  end(connection: Connection): unknown;
  /** Whether that was the server's word on a question, so that the connection is still good. */
  isServerError(error: unknown): boolean;
}

/**
 * A connection of a driver's own, beside the application's: opened when it is needed, closed when it has been idle for a while. An
 * exhausted pool can't keep it from asking.
 */
export class OwnConnection<Connection> {
  readonly #kind: ConnectionKind<Connection>;
  readonly #idleMs: number;
  #opened: Promise<Connection> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #uses = 0;

  constructor(kind: ConnectionKind<Connection>, idleMs = 10_000) {
    this.#kind = kind;
    this.#idleMs = idleMs;
  }

  /** Runs `work` outside of any request, after what was asked for before. A connection that failed is given up. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return requestContext.exit(() => {
      const answer = this.#last.then(() => this.#work(work));
      this.#last = answer.then(
        () => {},
        () => {},
      );
      return answer;
    });
  }

  /** Gives the connection up, answered or not; the next use opens another. */
  close(): void {
    if (this.#opened !== undefined) this.#drop(this.#opened);
  }

  async #work<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const use = ++this.#uses;
    const opened = this.#opened ?? this.#open();
    try {
      // What the server says to somebody who wants a connection leaves none behind: too many of them, a wrong password.
      const connection = await opened.catch((error: unknown) => {
        this.#drop(opened);
        throw error;
      });
      return await work(connection);
    } catch (error) {
      if (!this.#kind.isServerError(error)) this.#drop(opened);
      throw error;
    } finally {
      systemClock.after(this.#idleMs, () => {
        if (use === this.#uses) this.close();
      });
    }
  }

  #open(): Promise<Connection> {
    let opened: Promise<Connection> | undefined;
    opened = this.#kind.open(() => {
      // Another one may have taken its place by then.
      if (this.#opened === opened) this.#opened = undefined;
    });
    this.#opened = opened;
    return opened;
  }

  #drop(opened: Promise<Connection>): void {
    if (this.#opened === opened) this.#opened = undefined;
    opened.then((connection) => this.#kind.end(connection)).catch(() => {});
  }
}
