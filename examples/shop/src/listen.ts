import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';

/** A server that listens. */
export interface Listening {
  readonly server: Server;
  /** `http://127.0.0.1:3000` */
  readonly address: string;
  /** Takes no more requests and ends the connections that are open. */
  close(): Promise<void>;
}

const host = '127.0.0.1';

/** Serves `app` on this machine alone; port 0 is any free port. Rejects with one sentence where the port is taken. */
export async function listen(app: RequestListener, port: number): Promise<Listening> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`${port} is no port.`);
  const server = createServer(app);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      { EADDRINUSE: 'it is in use', EACCES: 'it needs more rights' }[code ?? ''] ?? String(error);
    throw new Error(`Port ${port} can't be listened on: ${reason}; choose another with --port.`, {
      cause: error,
    });
  }
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    server,
    address: `http://${host}:${actual}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
