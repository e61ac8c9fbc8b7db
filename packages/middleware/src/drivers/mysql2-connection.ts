import type { Mysql2Connection } from './mysql2-client.ts';
import { type Mysql2Observation, Mysql2Session } from './mysql2-session.ts';
import { replaceMethod } from './replace-method.ts';

const watched = new WeakSet<Mysql2Connection>();

/** Whether a connection is watched, by itself or as one of a pool's. */
export function isWatched(connection: Mysql2Connection): boolean {
  return watched.has(connection);
}

/**
 * Watches the commands of one connection. Returns the way to end it. `ended` is told of the error by which it ends,
 * however it was that far; nothing where the application ends it.
 */
export function watchConnection(
  connection: Mysql2Connection,
  observation: Mysql2Observation,
  ended: (error: unknown) => void,
): () => void {
  if (watched.has(connection)) return () => {};
  watched.add(connection);
  const session = new Mysql2Session(connection, observation);
  const unwatch = replaceMethod(connection, 'addCommand', (add, args) => {
    session.add(args[0] as Parameters<typeof session.add>[0]);
    return add(...args);
  });
  let told = false;
  const undo = [
    replaceMethod(connection, '_notifyError', (notify, args) => {
      if (!told) ended(args[0]);
      told = true;
      return notify(...args);
    }),
    replaceMethod(connection, 'release', (release, args) => {
      session.released();
      return release(...args);
    }),
    // Called by destroy() too, of which no statement hears.
    replaceMethod(connection, 'close', (close, args) => {
      session.lost();
      return close(...args);
    }),
  ];
  return () => {
    watched.delete(connection);
    unwatch();
    // A commit that is under way is followed to its end.
    if (!session.isCommitting) for (const step of undo.splice(0)) step();
  };
}
