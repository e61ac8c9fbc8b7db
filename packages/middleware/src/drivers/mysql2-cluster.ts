import type { Mysql2Pool, Mysql2PoolCluster } from './mysql2-client.ts';
import { checkPartition } from './observe-options.ts';
import { replaceMethod } from './replace-method.ts';

/**
 * Has the pools of a cluster observed by `observePool`, those that are added later as well: at their first use. Returns the
 * way to end it. Throws `option-invalid` where a pool that is there already gets no name of a partition.
 */
export function watchCluster(
  cluster: Mysql2PoolCluster,
  partition: string | ((id: string) => string),
  observePool: (pool: Mysql2Pool, partition: string) => () => void,
): () => void {
  const seen = new WeakSet<Mysql2Pool>();
  const stops: (() => void)[] = [];
  const take = (id: string, pool: Mysql2Pool): void => {
    if (seen.has(pool)) return;
    seen.add(pool);
    const name: unknown = typeof partition === 'function' ? partition(id) : partition;
    checkPartition(name, 'pool');
    stops.push(observePool(pool, String(name)));
  };
  try {
    for (const [id, { pool }] of Object.entries(cluster._nodes)) take(id, pool);
  } catch (error) {
    for (const stop of stops) stop();
    throw error;
  }
  const undo = replaceMethod(cluster, '_getConnection', (getConnection, args) => {
    const [{ id, pool }] = args as [{ id: string; pool: Mysql2Pool }];
    try {
      take(id, pool);
    } catch (error) {
      process.emitWarning(
        `observe(): the pool ${JSON.stringify(id)} of a mysql2 cluster is not observed: ${error}`,
      );
    }
    return getConnection(...args);
  });
  return () => {
    undo();
    for (const stop of stops.splice(0)) stop();
  };
}
