import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A way to a server that counts what goes over it. */
export interface CountingProxy {
  /** `host:port` */
  readonly address: string;
  /** Bytes so far, as the wire has them: commands, headers and payloads. */
  readonly traffic: Traffic;
  close(): void;
}

/** Bytes from the client to the server and back. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Listens on a free port of this machine and passes everything on to `target`, `host:port`. */
export async function countingProxy(target: string): Promise<CountingProxy> {
  const [host = '', port = ''] = target.split(':');
  let [sentBytes, receivedBytes] = [0, 0];
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    client.on('data', (chunk) => {
      sentBytes += chunk.length;
    });
    upstream.on('data', (chunk) => {
      receivedBytes += chunk.length;
    });
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    address: `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    get traffic() {
      return { sentBytes, receivedBytes };
    },
    close: () => void server.close(),
  };
}
