import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { callers } from '../acceptance/accept-all.ts';
import { answerCalls } from '../child.ts';
import { orderText } from '../order.ts';
import { type Spent, spentOn } from './spent.ts';

/** Publishes to a stream of its own and waits for the acknowledgements, and nothing else. */
export interface RawProcess {
  /** Publishes so many orders, up to 256 at a time. */
  publish(count: number): Promise<Spent>;
  /** Publishes so many messages of that length, two at a time, as the engine does with many callers. */
  publishLong(count: number, bytes: number): Promise<Spent>;
}

async function make({ servers }: { readonly servers: string[] }): Promise<RawProcess> {
  const nats = await connect({ servers, noAsyncTraces: true });
  const manager = await jetstreamManager(nats);
  const client = manager.jetstream();
  await manager.streams.add({ name: 'raw', subjects: ['raw.>'], num_replicas: servers.length });
  function publish(count: number, atATime: number, body: Uint8Array): Promise<Spent> {
    let asked = 0;
    const call = async (): Promise<void> => {
      while (asked < count) await client.publish(`raw.${asked++}`, body);
    };
    return spentOn(count, () => Promise.all(Array.from({ length: atATime }, call)));
  }

  return {
    publish: (count) => publish(count, callers, Buffer.from(orderText)),
    publishLong: (count, bytes) => publish(count, 2, Buffer.alloc(bytes, orderText)),
  };
}

await answerCalls<RawProcess>(make);
