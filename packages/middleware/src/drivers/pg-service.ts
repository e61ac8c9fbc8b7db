import { ownConnections } from './driver.ts';
import { OwnConnection } from './own-connection.ts';
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

/** A connection of the driver's own, which is never the reason that a process stays alive. */
export type ServiceConnection = OwnConnection<PgClient>;

/** A connection beside those of a pool, opened when it is needed. */
export function serviceConnection(home: PgHome, partition: string): ServiceConnection {
  return new OwnConnection({
    open: (onGone) => open(home, partition, onGone),
    end: (client) => client.end(),
    isServerError,
  });
}

async function open({ options, Client }: PgHome, partition: string, onGone: () => void): Promise<PgClient> {
  const config: Record<string, unknown> = { ...options };
  // The pool hides it from spreading.
  if (options.password !== undefined) config['password'] = options.password;
  config['connectionTimeoutMillis'] = options.connectionTimeoutMillis || connectWithinMs;
  const client = new Client(config);
  // Where a whole module is observed, these would be taken for the application's.
  ownConnections.add(client);
  client.on('error', onGone);
  client.once('end', onGone);
  try {
    await client.connect();
  } catch (error) {
    tellContact(partition, contactFailure(error));
    throw error;
  }
  tellContact(partition, 'reached');
  client.unref?.();
  return client;
}

/** Whether the server answered with an error, so that the connection is still good. */
export function isServerError(error: unknown): boolean {
  const { severity } = error as { readonly severity?: unknown };
  return severity === 'ERROR';
}
