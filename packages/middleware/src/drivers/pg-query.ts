import { ownConnections } from './driver.ts';
import type { PgClient, QueryFunction } from './pg-client.ts';
import { everythingOf } from './pg-everything.ts';
import { sessions } from './pg-session.ts';

/** Runs a call of a client's `query`. */
export function onQuery(client: object, original: (...args: unknown[]) => unknown, args: unknown[]): unknown {
  if (ownConnections.has(client)) return original.apply(client, args);
  let session = sessions.get(client);
  if (session === undefined) {
    session = everythingOf(client)?.sessionOf(client as PgClient);
    if (session === undefined) return original.apply(client, args);
    sessions.set(client, session);
  }
  return session.query(original as QueryFunction, args);
}
