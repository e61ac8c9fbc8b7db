import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './free-port.ts';
import { deliver, type Weather } from './proxy-delivery.ts';

/** Which way: from the client to the server, back, or both. */
export type ProxyDirection = 'requests' | 'answers' | 'both';

/** A stretch of network in front of a server, which can be made bad. Everything holds until `heal`. */
export interface NetworkProxy {
  /** `host:port`, the same for the proxy's whole life. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** Resets all connections, with whatever is under way, and refuses new ones. */
  cut(): Promise<void>;
  /** Resets all connections; new ones are welcome. */
  drop(): void;
  /**
   * Accepts everything and delivers nothing, neither bytes nor the ends of connections. What was held back is
   * delivered after `heal`, or lost with `cut` or `drop`. Default `both`.
   */
  stall(direction?: ProxyDirection): void;
  /** What arrives from now on is delivered so much later, each way, in order. */
  delay(ms: number): void;
  /** Good weather again, and connections are accepted. */
  heal(): Promise<void>;
  /** Ends it. May be called twice. */
  stop(): Promise<void>;
}

const host = '127.0.0.1';

/**
 * Starts a proxy on a port of its own in front of `target` (`host:port`). A client whose server is not there
 * is disconnected. It does not keep the process alive.
 */
export async function startProxy(target: string): Promise<NetworkProxy> {
  const [targetHost = host, targetPort = ''] = target.split(':');
  const sockets = new Set<Socket>();
  const weather: Weather = { delayMs: 0, stalled: { requests: false, answers: false }, cleared: new Set() };

  function accept(client: Socket): void {
    const server = connect({ host: targetHost, port: Number(targetPort), allowHalfOpen: true });
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      socket.setNoDelay(true);
      socket.unref();
    }
    deliver(client, server, weather, 'requests');
    deliver(server, client, weather, 'answers');
  }

  function drop(): void {
    for (const socket of sockets) socket.resetAndDestroy();
  }

  const port = await freePort();
  let listener: Server | undefined = await listen(port, accept);
  async function close(): Promise<void> {
    const closing = listener;
    listener = undefined;
    const closed = new Promise((resolve) => (closing === undefined ? resolve(0) : closing.close(resolve)));
    drop();
    await closed;
  }

  return {
    address: `${host}:${port}`,
    host,
    port,
    cut: close,
    drop,
    stall(direction = 'both') {
      weather.stalled.requests ||= direction !== 'answers';
      weather.stalled.answers ||= direction !== 'requests';
    },
    delay(ms) {
      weather.delayMs = ms;
    },
    async heal() {
      weather.delayMs = 0;
      weather.stalled.requests = false;
      weather.stalled.answers = false;
      for (const goOn of weather.cleared) goOn();
      listener ??= await listen(port, accept);
    },
    stop: close,
  };
}

function listen(port: number, accept: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, accept);
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}
