import { existsSync } from 'node:fs';
import mysql from 'mysql2/promise';
import { afterEach, expect, it, vi } from 'vitest';
import { type MariadbServer, startMariadb } from './src/mariadb.ts';

let server: MariadbServer | undefined;

afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.stop();
});

async function rows({ host, port, user, password, database }: MariadbServer): Promise<unknown> {
  const connection = await mysql.createConnection({ host, port, user, password, database });
  await connection.query('CREATE TABLE IF NOT EXISTS t (n int) ENGINE = InnoDB');
  await connection.query('INSERT INTO t VALUES (1)');
  const [counted] = await connection.query(
    'SELECT count(*) AS rows_there, @@innodb_flush_log_at_trx_commit AS flush FROM t',
  );
  connection.destroy();
  return counted;
}

it('keeps a commit through a SIGKILL and a restart on the same port, and leaves nothing behind', async () => {
  server = await startMariadb();
  expect(await rows(server)).toEqual([{ rows_there: 1, flush: 1 }]);
  const wrong = mysql.createConnection({ host: server.host, port: server.port, user: 'root' });
  await expect(wrong).rejects.toMatchObject({ errno: 1045 });
  await server.kill();
  await expect(rows(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await server.restart();
  expect(await rows(server)).toEqual([{ rows_there: 2, flush: 1 }]);
  expect(existsSync(server.dataDirectory)).toBe(true);
  await server.stop();
  await server.stop();
  expect(existsSync(server.dataDirectory)).toBe(false);
});
