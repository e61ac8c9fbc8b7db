import { serverName } from '../../drivers/driver.ts';
import type { Engine, EngineOpenOptions, OpenEngine } from '../engine.ts';
import { givenKeys } from '../given-keys.ts';
import { checkName } from '../limits.ts';
import type { NewsOfOthers } from '../news.ts';
import { anySlot } from './counting.ts';
import { engineError } from './failures.ts';
import { HostNews } from './news.ts';
import { openSchema } from './open-schema.ts';
import { checkOptions, type PostgresEngineOptions, type PostgresEngineSetup } from './options.ts';
import { addressOf, hearOfLost } from './pool.ts';
import { postgresLog } from './postgres-log.ts';
import { postgresQueue } from './postgres-queue.ts';
import { postgresStore } from './postgres-store.ts';
import { postgresWrappedKeys } from './postgres-wrapped-keys.ts';
import { quoted } from './schema.ts';
import { CallsUnderWay, type Scope } from './scope.ts';
import { startSweeping } from './sweeping.ts';
import { Transactions } from './transactions.ts';

export type { GivenKeys } from '../given-keys.ts';
export type { PostgresEngineOptions } from './options.ts';
export type { EnginePool, EnginePoolClient, EngineQueryConfig, EngineQueryResult } from './pool.ts';

/**
 * The PostgreSQL engine: a schema that many hosts share. `durable` is `fsync`, of the server's disk. It makes no keys:
 * every host is given the same. Pools are neither made nor ended by it. Throws `option-invalid`, `option-missing` or
 * `option-unknown`.
 */
export function postgresEngine(options: PostgresEngineOptions): Engine {
  const setup = checkOptions(options);
  const keysOf = givenKeys(options.keys, 'postgresEngine');
  const address = addressOf(setup.pool);
  const server = address && serverName(address);
  const where = `PostgreSQL${server === undefined ? '' : ` at ${server}`}, schema ${setup.schema}`;
  return {
    name: 'postgres',
    durable: 'fsync',
    ...(server === undefined ? {} : { server }),
    open: (openOptions) => openScope(setup, where, keysOf, openOptions),
  };
}

async function openScope(
  { pool, schema, ensure, timeoutMs, listen }: PostgresEngineSetup,
  where: string,
  keysOf: (group: string) => Promise<Uint8Array>,
  { application, group, clock, onTrouble }: EngineOpenOptions,
): Promise<OpenEngine> {
  checkName('application', application);
  checkName('group', group);
  const transactions = new Transactions({ pool, clock, timeoutMs, where });
  const told = (doing: string, error: unknown): void => {
    try {
      onTrouble?.(doing, error);
    } catch {
      // What it throws is its own affair.
    }
  };
  const tell = (problem: string): void => told('opening the engine', new Error(`${where}: ${problem}`));
  const onLost = (error: Error): void =>
    told('keeping connections of the engine', engineError(error, where, 'none'));
  const hearNoMore = hearOfLost(pool, onLost);
  const opening = openSchema({ transactions, schema, ensure, application, group, where, tell });
  const id = await opening.catch((error: unknown) => {
    hearNoMore();
    throw error;
  });
  const news = new HostNews({
    ...{ pool, clock, timeoutMs, where, schema, scope: id },
    onTrouble: (error) => told('listening to other hosts', error),
  });
  const scope: Scope = {
    ...{ id, schema: quoted(schema), slot: anySlot(Math.random) },
    ...{ where, clock, transactions, news },
  };
  const calls = new CallsUnderWay();
  const stopSweeping = startSweeping(scope, calls);
  let closed: Promise<void> | undefined;
  return {
    durable: 'fsync',
    log: postgresLog(scope, calls),
    store: postgresStore(scope, calls),
    queue: postgresQueue(scope, calls),
    wrappedKeys: postgresWrappedKeys(scope, calls),
    keyFile: () => keysOf(group),
    ...(listen && { listen: (others: NewsOfOthers) => news.listen(others) }),
    status: () => ({
      connected: transactions.connected,
      behind: 0,
      ...(news.isHearing !== undefined && { listening: news.isHearing }),
    }),
    close() {
      stopSweeping();
      hearNoMore();
      closed ??= calls.close().then(() => news.close());
      return closed;
    },
  };
}
