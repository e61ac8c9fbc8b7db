import { randomUUID } from 'node:crypto';
import { createKeyFile } from '@slackwater/middleware';
import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { afterAll, beforeAll } from 'vitest';
import { deleteStreams } from '../middleware/engines/nats/place.ts';
import { sharingSuite } from './sharing-suite.ts';

let server: NatsServer;

beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server.stop());

sharingSuite('NATS', async () => {
  const prefix = randomUUID().slice(0, 8);
  const keys = new TextDecoder().decode(createKeyFile({ application: 'shop', group: 'main' }));
  return {
    spec: { engine: 'nats', servers: server.servers, prefix, keys },
    lose: () => server.pause(),
    giveBack: async () => server.resume(),
    dispose: () => deleteStreams(server.servers, prefix),
  };
});
