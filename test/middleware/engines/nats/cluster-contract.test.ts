import { type NatsCluster, startNatsCluster } from '@slackwater/test-support/nats';
import { afterAll, beforeAll } from 'vitest';
import { engineContract } from '../../../contracts/engine-contract.ts';
import { natsUnderTest } from './place.ts';

let cluster: NatsCluster;

beforeAll(async () => {
  cluster = await startNatsCluster();
});

afterAll(async () => {
  await cluster.stop();
});

engineContract(
  'nats, three servers',
  natsUnderTest(() => cluster.servers),
);
