import type { PrunableCompletions } from './asked-completions.ts';
import type { PgClient } from './pg-client.ts';
import { PgContact } from './pg-contact.ts';
import type { ObserveOptions } from './pg-options.ts';
import type { PgHome } from './pg-service.ts';
import { observationOf, type PgObservation, PgSession, sessions } from './pg-session.ts';
import { announcePg, type PgSource } from './pg-source.ts';

/**
 * A database to which clients connect that are in no pool of pg's: those of ORMs with a pool of their own, and single
 * ones. It stays known after its last client has ended, so that it can be asked whether it is back.
 */
export class LoneDatabase {
  readonly contact: PgContact;
  readonly #observation: PgObservation;
  #source: PgSource | undefined;
  /** Further connections are made as this one was: its password may be newer than those before. */
  #latest: PgClient | undefined;
  readonly #clients = new Set<PgClient>();

  constructor(options: ObserveOptions) {
    this.contact = new PgContact(options.partition);
    this.#observation = observationOf(options);
  }

  get completions(): PrunableCompletions | undefined {
    return this.#source?.completions;
  }

  /** Whether any of its clients is connected. */
  get isInUse(): boolean {
    return this.#clients.size > 0;
  }

  /** Begins to observe a client. `announces`: gates don't know of this database by a pool. */
  session(client: PgClient, options: ObserveOptions, announces: boolean): PgSession {
    this.#latest = client;
    if (announces) this.#source ??= announcePg(this.#home(client), this.#observation, options, unknownCounts);
    this.#clients.add(client);
    this.contact.watch(client);
    client.once('end', () => this.#clients.delete(client));
    return new PgSession(client, this.#observation);
  }

  /** Ends the observation of its clients too. */
  close(): void {
    this.#source?.close();
    this.#source = undefined;
    for (const client of this.#clients) sessions.delete(client);
  }

  #home(first: PgClient): PgHome {
    const latest = (): PgClient => this.#latest ?? first;
    return {
      Client: first.constructor as PgHome['Client'],
      get options() {
        return configOf(latest());
      },
    };
  }
}

const unknownCounts = { connections: undefined };

/** What a client was configured with, as far as it decides where it connects, as whom, and what it finds there. */
function configOf({ host, port, user, database, password, ssl, connectionParameters }: PgClient): object {
  const { options } = connectionParameters ?? {};
  return { host, port, user, database, password, ssl, ...(options === undefined ? {} : { options }) };
}
