import { createKeyFile } from '@slackwater/middleware';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { afterAll, beforeAll } from 'vitest';
import { sharingSuite } from './sharing-suite.ts';

let server: PostgresServer;
let schemas = 0;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

sharingSuite('PostgreSQL', async () => {
  schemas += 1;
  const { connectionString } = server;
  const keys = new TextDecoder().decode(createKeyFile({ application: 'shop', group: 'main' }));
  return {
    spec: { engine: 'postgres', connectionString, schema: `shared_${schemas}`, keys },
    lose: () => server.kill(),
    giveBack: () => server.restart(),
    dispose: async () => {},
  };
});
