import { systemClock } from '../clock.ts';
import { requestContext } from '../request-context.ts';
import { ownConnections } from './driver.ts';
import type { PgClient } from './pg-client.ts';
import type { PgPool } from './pg-connections.ts';
import { contactFailure, tellContact } from './pg-contact.ts';

const connectWithinMs = 5_000;

/** What further connections to a database are made of. A pool has it. */
export type PgHome = Pick<PgPool, 'Client' | 'options'>;

/** A result of the driver's own questions. */
export interface ServiceResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rowCount: number | null;
}

/**
 * A connection of the driver's own, beside the pool: opened when it is needed, closed when it has been idle
 * for a while, never the reason that a process stays alive. An exhausted pool can't keep it from asking.
 */
export class ServiceConnection {
  readonly #home: PgHome;
  readonly #partition: string;
  readonly #idleMs: number;
  #client: Promise<PgClient> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #opened: PgClient | undefined;
  #uses = 0;

  constructor(home: PgHome, partition: string, idleMs = 10_000) {
    this.#home = home;
    this.#partition = partition;
    this.#idleMs = idleMs;
  }

  /**
   * Runs `work` on the connection, outside of any request, after what was asked for before. A connection that
   * failed is given up.
   */
  use<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    return requestContext.exit(() => {
      const answer = this.#last.then(() => this.#work(work));
      this.#last = answer.then(
        () => {},
        () => {},
      );
      return answer;
    });
  }

  async #work<T>(work: (client: PgClient) => Promise<T>): Promise<T> {
    const use = ++this.#uses;
    this.#client ??= this.#open();
    const opened = this.#client;
    try {
      return await work(await opened);
    } catch (error) {
      if (!isServerError(error)) this.#drop(opened);
      throw error;
    } finally {
      systemClock.after(this.#idleMs, () => {
        if (use === this.#uses) this.close();
      });
    }
  }

  /** Gives the connection up, answered or not; the next use opens another. */
  close(): void {
    if (this.#client !== undefined) this.#drop(this.#client);
  }

  async #open(): Promise<PgClient> {
    const { options, Client } = this.#home;
    const config: Record<string, unknown> = { ...options };
    // The pool hides it from spreading.
    if (options.password !== undefined) config['password'] = options.password;
    config['connectionTimeoutMillis'] = options.connectionTimeoutMillis || connectWithinMs;
    const client = new Client(config);
    // Where a whole module is observed, these would be taken for the application's.
    ownConnections.add(client);
    const forget = (): void => {
      if (this.#opened === client) this.#client = undefined;
    };
    client.on('error', forget);
    client.once('end', forget);
    try {
      await client.connect();
    } catch (error) {
      tellContact(this.#partition, contactFailure(error));
      throw error;
    }
    tellContact(this.#partition, 'reached');
    this.#opened = client;
    client.unref?.();
    return client;
  }

  #drop(opened: Promise<PgClient>): void {
    if (this.#client === opened) this.#client = undefined;
    opened.then((client) => client.end()).catch(() => {});
  }
}

/** Whether the server answered with an error, so that the connection is still good. */
export function isServerError(error: unknown): boolean {
  const { severity } = error as { readonly severity?: unknown };
  return severity === 'ERROR';
}
