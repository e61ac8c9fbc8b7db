import { errorMonitor } from 'node:events';
import { type SourceContact, sourceContact } from './driver.ts';
import { noWay } from './no-way.ts';
import type { PgClient } from './pg-client.ts';
import type { ConnectCallback, ConnectFunction } from './pg-connections.ts';

/** What PostgreSQL says while it is ended, starts up, or has no connection left (classes 08, 53 and 57). */
const notNow = /^(?:08[0-9A-Z]{3}|53300|57P0[123])$/;

/**
 * Why a new connection was not made, as far as that says that the database can't be reached; undefined where it says
 * something else, such as a wrong password, or a pool without a free connection.
 */
export function contactFailure(error: unknown): 'refused' | 'timed-out' | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  // pg's own words: of the pool, and of a client with connectionTimeoutMillis.
  const late = message === 'Connection terminated due to connection timeout' || message === 'timeout expired';
  if (late || code === 'ETIMEDOUT') return 'timed-out';
  const isRefusal = noWay.has(code) || (typeof code === 'string' && notNow.test(code));
  return isRefusal || message === 'Connection terminated unexpectedly' ? 'refused' : undefined;
}

/** Tells what the connections of one observed pool say about whether its database can be reached. */
export class PgContact {
  readonly #partition: string;
  readonly #watched = new WeakSet<PgClient>();

  constructor(partition: string) {
    this.#partition = partition;
  }

  /** A connection was made. */
  readonly connected = (client: PgClient): void => {
    this.watch(client);
    this.#tell('reached');
  };

  /** Tells where this connection is lost. An error that nobody else listens to stays one that nobody listens to. */
  watch(client: PgClient): void {
    if (this.#watched.has(client)) return;
    this.#watched.add(client);
    client.once(errorMonitor, () => this.#tell('lost'));
  }

  /** Runs the pool's own `connect`, and tells where it fails. */
  connect(original: ConnectFunction, callback: ConnectCallback | undefined): unknown {
    if (callback === undefined) {
      const connecting = original();
      if (connecting instanceof Promise) connecting.catch((error: unknown) => this.#failed(error));
      return connecting;
    }
    return original((error, client, release) => {
      if (error) this.#failed(error);
      callback(error, client, release);
    });
  }

  #failed(error: unknown): void {
    tellContact(this.#partition, contactFailure(error));
  }

  #tell(outcome: SourceContact['outcome']): void {
    tellContact(this.#partition, outcome);
  }
}

/** Tells gates what a try to reach the database came to; nothing where it says nothing of that. */
export function tellContact(partition: string, outcome: SourceContact['outcome'] | undefined): void {
  if (outcome !== undefined && sourceContact.hasSubscribers) sourceContact.publish({ partition, outcome });
}
