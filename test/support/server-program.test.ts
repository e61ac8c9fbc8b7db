import { afterEach, expect, it, vi } from 'vitest';
import { mariadbServer, natsServer, serverProgram } from './src/server-program.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

it('finds a server that is installed, also without the folders of servers on the PATH', async () => {
  vi.stubEnv('PATH', '/usr/bin');
  expect(await serverProgram(natsServer)).toMatch(/nats-server$/);
  expect(await serverProgram(mariadbServer)).toMatch(/mariadbd$/);
});

it('says in one sentence what to install where it may not or can not do so itself', async () => {
  vi.stubEnv('PATH', '');
  const missing = { ...natsServer, program: 'no-such-server' };
  await expect(serverProgram(missing)).rejects.toThrow(
    "NATS can't be started: there is no no-such-server on the PATH; install it " +
      '(Debian, Ubuntu: apt-get install nats-server; elsewhere: https://nats.io/download).',
  );
  await expect(serverProgram({ ...mariadbServer, program: 'no-such-server' })).rejects.toThrow(
    "MariaDB can't be started: there is no no-such-server on the PATH; install it " +
      '(Debian, Ubuntu: apt-get install mariadb-server-core; elsewhere: https://mariadb.org/download).',
  );
});
