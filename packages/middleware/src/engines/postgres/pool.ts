/** What the engine uses of a `pg` pool; any version from 8.16 on. */
export interface EnginePool {
  connect(callback: (error: Error | undefined, client: EnginePoolClient | undefined) => void): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  readonly options?: object;
}

/** What the engine uses of a connection that a pool has lent it. */
export interface EnginePoolClient {
  query(config: EngineQueryConfig): Promise<EngineQueryResult>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  /** With an error, or true, the connection is closed and not lent again. */
  release(error?: Error | boolean): void;
}

/** A query as `pg` takes it. */
export interface EngineQueryConfig {
  readonly text: string;
  readonly values?: unknown[];
  readonly types?: { getTypeParser(oid: number): (value: never) => unknown };
}

/** What `pg` gives for a query. */
export interface EngineQueryResult {
  readonly rows: readonly unknown[];
  /** The command that was answered, `COMMIT`. */
  readonly command: string;
}

/** The server that a pool's connections go to, as far as pg can tell without opening one. */
export function addressOf(pool: EnginePool): { readonly host: string; readonly port: number } | undefined {
  const { Client } = pool as { readonly Client?: new (options: object) => unknown };
  if (Client === undefined || pool.options === undefined) return undefined;
  try {
    // A client that is never connected knows what the pool's options and the environment come to.
    const { host, port } = new Client(pool.options) as { readonly host?: unknown; readonly port?: unknown };
    return { host: typeof host === 'string' ? host : 'localhost', port: Number(port ?? 5432) };
  } catch {
    return undefined;
  }
}

const listenersOf = new WeakMap<EnginePool, Set<(error: Error) => void>>();

/**
 * Hears of idle connections of a pool that broke; gives the way to hear no more of them. However many listen, the pool
 * has one listener more, and keeps it: without any, what it tells would end the process.
 */
export function hearOfLost(pool: EnginePool, listener: (error: Error) => void): () => void {
  let listeners = listenersOf.get(pool);
  if (listeners === undefined) {
    const made = new Set<(error: Error) => void>();
    pool.on('error', (error) => {
      for (const each of made) each(error);
    });
    listenersOf.set(pool, made);
    listeners = made;
  }
  const those = listeners.add(listener);
  return () => those.delete(listener);
}
