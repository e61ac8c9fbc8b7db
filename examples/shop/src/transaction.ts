import type { Pool, PoolClient } from 'pg';

/** Runs `work` between BEGIN and COMMIT, and undoes it where it throws. */
export async function transaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection that is lost between two statements tells so here alone; without a listener it would end the process.
  const onLost = (error: Error): void => {
    broken = error;
  };
  client.on('error', onLost);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(onLost);
    throw error;
  } finally {
    // A connection that can't even roll back is not given to the next one.
    client.off('error', onLost);
    client.release(broken);
  }
}
