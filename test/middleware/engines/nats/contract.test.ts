import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { afterAll, beforeAll } from 'vitest';
import { engineContract } from '../../../contracts/engine-contract.ts';
import { natsUnderTest } from './place.ts';

let server: NatsServer;

beforeAll(async () => {
  server = await startNats();
});

afterAll(async () => {
  await server.stop();
});

engineContract(
  'nats, one server',
  natsUnderTest(() => server.servers),
);
