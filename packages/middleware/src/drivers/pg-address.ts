import { serverName } from './driver.ts';
import type { PgClient } from './pg-client.ts';

/** The database that a client connects to: the partition of what is observed without having been given one. */
export function databaseOf({ host, port, database }: PgClient): string {
  return `${host ?? 'localhost'}:${port ?? 5432}/${database ?? ''}`;
}

/** The server that a client connects to, as every driver and engine names it. */
export function serverOf({ host, port }: PgClient): string {
  return serverName({ host: host ?? 'localhost', port: port ?? 5432 });
}
