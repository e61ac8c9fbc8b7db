import type { Clock } from '../../clock.ts';
import { ownConnections } from '../../drivers/driver.ts';
import { requestContext } from '../../request-context.ts';
import { EngineError } from '../engine-error.ts';
import { engineError } from './failures.ts';
import type { EnginePool, EnginePoolClient } from './pool.ts';

/** What transactions are made with. */
export interface TransactionsSetup {
  readonly pool: EnginePool;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** The server and the schema, for messages. */
  readonly where: string;
}

/** A connection that the pool has lent, and the engine's while it is. */
export interface LentConnection {
  readonly client: EnginePoolClient;
  /** Gives it back; with an error it is closed and not lent again. May be called twice. */
  release(error?: Error): void;
}

/**
 * A connection of the pool, waited for no longer than one statement may take; who comes later finds it given back.
 * Rejects with `engine-unavailable`.
 */
export function lend({ pool, clock, timeoutMs, where }: TransactionsSetup): Promise<LentConnection> {
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const timer = clock.after(timeoutMs, () => {
      timedOut = true;
      const why = `the pool gave no connection within ${timeoutMs} ms; give the engine a pool of its own, or raise its max`;
      reject(new EngineError('engine-unavailable', 'none', `${where}: ${why}`));
    });
    ask(pool, (error, client) => {
      timer.cancel();
      if (client === undefined) reject(engineError(error, where, 'none'));
      else if (timedOut) client.release();
      else resolve(lent(client));
    });
  });
}

/**
 * Asks the pool. Not on behalf of a request, whose share of an observed pool it would take, and not observed: a
 * connection that is opened here would keep the request's context for ever.
 */
function ask(pool: EnginePool, answer: Parameters<EnginePool['connect']>[0]): void {
  ownConnections.add(pool);
  try {
    requestContext.exit(() => pool.connect(answer));
  } finally {
    ownConnections.delete(pool);
  }
}

/**
 * To be called by the pool itself, and not a turn later: a connection that is lent and breaks says so by an event, and
 * where nobody listens, that ends the process. Until it is lent, and when it is given back, the pool listens.
 */
function lent(client: EnginePoolClient): LentConnection {
  let lost: Error | undefined;
  let isReleased = false;
  const onError = (error: Error): void => {
    lost ??= error;
  };
  client.on('error', onError);
  ownConnections.add(client);
  return {
    client,
    release(error) {
      if (isReleased) return;
      isReleased = true;
      ownConnections.delete(client);
      client.release(error ?? lost);
      client.removeListener('error', onError);
    },
  };
}
