import { databaseOf } from './pg-address.ts';
import type { PgClient } from './pg-client.ts';
import { LoneDatabase } from './pg-lone-database.ts';
import type { PgModule } from './pg-modules.ts';
import type { ObservedPool } from './pg-observed-pool.ts';
import type { ObserveModuleOptions, ObserveOptions } from './pg-options.ts';
import type { PgSession } from './pg-session.ts';

/** Beyond these, databases to which no connection is left are forgotten. */
const mostDatabases = 1_000;

/** What is observed because the whole of a module is: its pools, and the clients that are in no pool of its own. */
export class Everything {
  readonly options: ObserveModuleOptions;
  readonly pools = new Set<ObservedPool>();
  readonly #modules: readonly PgModule[];
  readonly #databases = new Map<string, LoneDatabase>();

  constructor(modules: Iterable<PgModule>, options: ObserveModuleOptions) {
    this.#modules = [...modules];
    this.options = options;
  }

  /** Whether a client or pool is one of the modules'. */
  covers(one: object): boolean {
    return this.#modules.some(({ Client, Pool }) => isMadeBy(Client, one) || isMadeBy(Pool, one));
  }

  isOf(module: PgModule): boolean {
    return this.#modules.some(({ Client }) => Client === module.Client);
  }

  /** How what connects as this client is observed. */
  optionsFor(client: PgClient): ObserveOptions {
    return { ...this.options, partition: this.options.partition ?? databaseOf(client) };
  }

  /** The session of a client that has none: its pool's, or that of a client in no pool. */
  sessionOf(client: PgClient): PgSession {
    const pool = this.poolOf(client);
    if (pool !== undefined) return pool.take(client);
    const options = this.optionsFor(client);
    const isKnown = [...this.pools].some(({ database }) => database === databaseOf(client));
    return this.databaseOf(client, options).session(client, options, !isKnown);
  }

  /** The pool that holds a client; one that is about to be connected is held already. */
  poolOf(client: PgClient): ObservedPool | undefined {
    for (const pool of this.pools) if (pool.holds(client)) return pool;
    return undefined;
  }

  databaseOf(client: PgClient, options: ObserveOptions): LoneDatabase {
    const address = `${client.user ?? ''}@${databaseOf(client)}`;
    const known = this.#databases.get(address);
    if (known !== undefined) return known;
    if (this.#databases.size >= mostDatabases) this.#forgetOne();
    const database = new LoneDatabase(options);
    this.#databases.set(address, database);
    return database;
  }

  async prune(olderThanMs: number): Promise<number> {
    let pruned = 0;
    for (const { completions } of [...this.pools, ...this.#databases.values()]) {
      pruned += (await completions?.prune(olderThanMs)) ?? 0;
    }
    return pruned;
  }

  stop(): void {
    for (const pool of [...this.pools]) pool.stop();
    for (const database of this.#databases.values()) database.close();
    this.#databases.clear();
  }

  #forgetOne(): void {
    for (const [address, database] of this.#databases) {
      if (database.isInUse) continue;
      database.close();
      this.#databases.delete(address);
      return;
    }
  }
}

const observed = new Set<Everything>();

/** The modules that are observed as a whole. */
export const everything: Pick<Set<Everything>, 'add' | 'delete' | 'size'> & Iterable<Everything> = observed;

/** As part of what a client or pool is observed, where it is not by itself. */
export function everythingOf(one: object): Everything | undefined {
  if (observed.size === 0) return undefined;
  for (const each of observed) if (each.covers(one)) return each;
  return undefined;
}

function isMadeBy({ prototype }: PgModule['Client'], one: object): boolean {
  return Object.prototype.isPrototypeOf.call(prototype, one);
}
