import type { Authenticator, ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { EngineError } from '../engine-error.ts';
import { failureOf } from './failures.ts';
import type { NatsEngineOptions } from './nats-options.ts';

/** Packages of the client, loaded when they are needed: whoever does not use this engine need not have them. */
export interface NatsPackages {
  readonly transport: typeof import('@nats-io/transport-node');
  readonly jetstream: typeof import('@nats-io/jetstream');
}

/** A connection and what its listeners hear. */
export interface Connection {
  readonly packages: NatsPackages;
  readonly nats: NatsConnection;
  /** False while the client looks for a server. */
  readonly connected: boolean;
  /** Hears each time that a server was found again. Gives what ends that. */
  onReconnected(listener: () => void): () => void;
  close(): Promise<void>;
}

const firstConnectionMs = 5_000;
const pingEveryMs = 2_000;
const reconnectWaitMs = 250;

/** Connects. Rejects with `engine-unavailable` where no server answers, or refuses the user. `onTrouble` hears of losses. */
export async function connect(
  options: NatsEngineOptions,
  onTrouble: (doing: string, error: unknown) => void,
): Promise<Connection> {
  const packages = await loadPackages();
  const { transport } = packages;
  let nats: NatsConnection;
  try {
    nats = await transport.connect(connectionOptions(options, transport));
  } catch (error) {
    throw failureOf(
      error,
      `Connecting to NATS at ${[options.servers].flat().map(withoutSecrets).join(', ')}`,
      false,
    );
  }
  const listeners = new Set<() => void>();
  let connected = true;

  async function watch(): Promise<void> {
    for await (const status of nats.status()) {
      if (status.type === 'disconnect') {
        connected = false;
        onTrouble(
          'keeping the connection to NATS',
          new EngineError(
            'engine-unavailable',
            'none',
            'The connection to NATS was lost; it is looked for again.',
          ),
        );
      } else if (status.type === 'reconnect') {
        connected = true;
        for (const listener of listeners) listener();
      } else if (status.type === 'error') {
        onTrouble('talking to NATS', failureOf(status.error, 'NATS said', false));
      }
    }
  }
  void watch();

  return {
    packages,
    nats,
    get connected() {
      return connected && !nats.isClosed();
    },
    onReconnected(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => nats.close(),
  };
}

async function loadPackages(): Promise<NatsPackages> {
  try {
    const [transport, jetstream] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
    ]);
    return { transport, jetstream };
  } catch (cause) {
    throw new EngineError(
      'engine-unavailable',
      'none',
      'The NATS client is not installed; run npm install @nats-io/transport-node @nats-io/jetstream.',
      { cause },
    );
  }
}

function connectionOptions(
  options: NatsEngineOptions,
  transport: NatsPackages['transport'],
): ConnectionOptions {
  const { servers, tls } = options;
  const authenticator = authenticatorOf(options, transport);
  return {
    servers: [servers].flat(),
    name: 'slackwater',
    timeout: firstConnectionMs,
    // It never gives up: the gate lives as long as the application, and the cluster comes back some day.
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: reconnectWaitMs,
    pingInterval: pingEveryMs,
    noAsyncTraces: true,
    ...(authenticator && { authenticator }),
    ...(tls !== undefined && tls !== false && { tls: tls === true ? {} : { ...tls } }),
  };
}

function authenticatorOf(
  { user, password, token, nkeySeed, credentials }: NatsEngineOptions,
  transport: NatsPackages['transport'],
): Authenticator | undefined {
  const bytes = (text: string | Uint8Array): Uint8Array => Uint8Array.from(Buffer.from(text));
  if (user !== undefined) return transport.usernamePasswordAuthenticator(user, password);
  if (token !== undefined) return transport.tokenAuthenticator(token);
  if (nkeySeed !== undefined) return transport.nkeyAuthenticator(bytes(nkeySeed));
  if (credentials !== undefined) return transport.credsAuthenticator(bytes(credentials));
  return undefined;
}

function withoutSecrets(server: string): string {
  return server.replace(/\/\/[^@/]*@/, '//');
}
