import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { callers } from '../acceptance/accept-all.ts';
import { answerCalls } from '../child.ts';
import { orderText } from '../order.ts';

/** Publishes to a stream of its own and waits for the acknowledgements, and nothing else. */
export interface RawProcess {
  /** Publishes so many orders, up to 256 at a time; resolves with how many there were per second. */
  publish(count: number): Promise<number>;
}

async function make({ servers }: { readonly servers: string[] }): Promise<RawProcess> {
  const nats = await connect({ servers, noAsyncTraces: true });
  const manager = await jetstreamManager(nats);
  const client = manager.jetstream();
  await manager.streams.add({ name: 'raw', subjects: ['raw.>'], num_replicas: servers.length });
  const body = Buffer.from(orderText);
  return {
    async publish(count) {
      const startedAt = performance.now();
      let asked = 0;
      const call = async (): Promise<void> => {
        while (asked < count) await client.publish(`raw.${asked++}`, body);
      };
      await Promise.all(Array.from({ length: callers }, call));
      return count / ((performance.now() - startedAt) / 1_000);
    },
  };
}

await answerCalls<RawProcess>(make);
