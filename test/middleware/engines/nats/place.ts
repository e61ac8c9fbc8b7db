import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { natsEngine } from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { type EngineUnderTest, keysByGroup } from '../../../contracts/engine-under-test.ts';

/** Makes engines on given servers, each test with streams of its own, which are deleted after it. */
export function natsUnderTest(servers: () => readonly string[]): () => Promise<EngineUnderTest> {
  return async () => {
    const prefix = randomUUID().slice(0, 8);
    const keys = keysByGroup();
    return {
      makeEngine: () => natsEngine({ servers: servers(), prefix, keys }),
      clock: systemClock,
      pass: (ms) => sleep(ms + 20),
      dispose: () => deleteStreams(servers(), prefix),
    };
  };
}

/** Deletes the streams whose names begin with the prefix. */
export async function deleteStreams(servers: readonly string[], prefix: string): Promise<void> {
  const nats = await connect({ servers: [...servers] });
  try {
    const manager = await jetstreamManager(nats);
    for await (const { config } of manager.streams.list()) {
      if (config.name.startsWith(prefix) || config.name.startsWith(`KV_${prefix}`)) {
        await manager.streams.delete(config.name);
      }
    }
  } finally {
    await nats.close();
  }
}
