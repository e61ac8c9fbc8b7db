import { type NatsCluster, startNatsCluster } from '@slackwater/test-support/nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { scope } from '../../../contracts/engine-under-test.ts';

let cluster: NatsCluster;

beforeAll(async () => {
  cluster = await startNatsCluster();
});

afterAll(() => cluster.stop());

/** What one host does first: it opens, and asks for something that no other host has written. */
async function startHost(prefix: string): Promise<'answered'> {
  const keys = createKeyFile(scope);
  const engine = await natsEngine({ servers: cluster.servers, prefix, keys }).open({
    ...scope,
    clock: systemClock,
  });
  try {
    await engine.store.get('ledger/identity');
    expect(await engine.log.size()).toBe(0);
    return 'answered';
  } finally {
    await engine.close();
  }
}

describe('hosts that start at once on a cluster that has no streams yet', () => {
  it('all find what one of them makes, and wait until servers lead it', { timeout: 120_000 }, async () => {
    for (const prefix of ['one', 'two', 'three', 'four', 'five']) {
      const hosts = await Promise.allSettled([1, 2, 3].map(() => startHost(prefix)));
      expect(hosts).toEqual(Array.from({ length: 3 }, () => ({ status: 'fulfilled', value: 'answered' })));
    }
  });
});
