/** Where a contender's PostgreSQL is, and how many connections it may open. */
export interface PostgresPlace {
  readonly connectionString: string;
  readonly connections: number;
}

/** Where BullMQ's Redis is. */
export interface RedisPlace {
  readonly port: number;
}

/** Where an engine of ours is: in a folder, or in a PostgreSQL. */
export type EnginePlace = { readonly directory: string } | PostgresPlace;

/** A folder for the embedded engine, and the database that the route of deferrals would commit to. */
export interface DeferralPlace {
  readonly directory: string;
  readonly connectionString: string;
}
