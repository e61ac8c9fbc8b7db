import { ownConnections } from '../../drivers/driver.ts';
import { requestContext } from '../../request-context.ts';
import type { EnginePool, EngineQueryConfig } from './pool.ts';

/** A connection of the engine's own, beside the pool's. */
export interface OwnConnection {
  query(config: EngineQueryConfig): Promise<unknown>;
  /** Hears of notifications. */
  on(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  connect(): Promise<unknown>;
  end(): Promise<unknown>;
  unref?(): void;
}

type Client = new (config: object) => OwnConnection;

/**
 * A client as the pool makes its own, not connected yet; undefined where the pool does not say how. Not observed, and never
 * the reason that a process stays alive once it is connected.
 */
export function ownConnection(pool: EnginePool, connectWithinMs: number): OwnConnection | undefined {
  const { Client, options } = pool as EnginePool & { readonly Client?: Client };
  if (Client === undefined || options === undefined) return undefined;
  const { password } = options as { readonly password?: unknown };
  const config = {
    ...options,
    // The pool hides it from spreading.
    ...(password !== undefined && { password }),
    connectionTimeoutMillis: connectWithinMs,
    keepAlive: true,
  };
  return requestContext.exit(() => {
    const client = new Client(config);
    ownConnections.add(client);
    return client;
  });
}
