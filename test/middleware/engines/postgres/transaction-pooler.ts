import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { Transform } from 'node:stream';

/** What a pooler of transactions does to those who listen, in front of a server: all gets through but notifications. */
export interface TransactionPooler {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

const notification = 'A'.charCodeAt(0);
const host = '127.0.0.1';

/** Starts one. */
export async function startTransactionPooler(target: {
  readonly host: string;
  readonly port: number;
}): Promise<TransactionPooler> {
  const server: Server = createServer((client) => {
    const upstream = connect(target);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    client.pipe(upstream);
    upstream.pipe(withoutNotifications()).pipe(client);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It listens on no port.');
  return {
    host,
    port: address.port,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A message is its type, one byte, and its length without that, four. */
function withoutNotifications(): Transform {
  let rest = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5) {
        const length = 1 + rest.readUInt32BE(1);
        if (rest.length < length) break;
        if (rest[0] !== notification) this.push(Buffer.from(rest.subarray(0, length)));
        rest = rest.subarray(length);
      }
      done();
    },
  });
}
