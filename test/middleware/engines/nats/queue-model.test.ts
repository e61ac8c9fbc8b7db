import { type NatsServer, startNats } from '@slackwater/test-support/nats';
import { afterAll, beforeAll, describe } from 'vitest';
import { queueModel } from '../../../contracts/queue-model.ts';
import { natsUnderTest } from './place.ts';

let server: NatsServer;

beforeAll(async () => {
  server = await startNats();
});

afterAll(async () => {
  await server.stop();
});

describe('queue of the NATS engine', () => {
  queueModel(
    natsUnderTest(() => server.servers),
    { unitMs: 3_600_000, timePasses: false },
  );
});
