import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  nkeyAuthenticator,
  nkeys,
} from '@nats-io/transport-node';
import { afterEach, expect, it } from 'vitest';
import { certificates } from './src/certificates.ts';
import { type NatsOptions, type NatsServer, natsOperator, startNats } from './src/nats.ts';

let server: NatsServer | undefined;
afterEach(async () => {
  await server?.stop();
});

/** What a client gets from a server: into a stream, or why not. */
async function publish(options: Omit<ConnectionOptions, 'servers'>, subject = 'orders.1'): Promise<string> {
  try {
    const connection = await connect({ ...options, servers: server?.servers ?? [], reconnect: false });
    try {
      const manager = await jetstreamManager(connection);
      await manager.streams.add({ name: 'orders', subjects: ['orders.>'] });
      await jetstream(connection).publish(subject, '');
      return 'kept';
    } finally {
      await connection.close();
    }
  } catch (error) {
    return rootOf(error);
  }
}

function rootOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? `${error.name}: ${error.message}` : rootOf(error.cause);
}

async function start(options: NatsOptions): Promise<void> {
  server = await startNats(options);
}

it('admits who has the token', async () => {
  await start({ auth: { token: 'open sesame' } });
  expect(await publish({ token: 'open sesame' })).toBe('kept');
  expect(await publish({ token: 'open barley' })).toMatch(/Authorization Violation/);
  expect(await publish({})).toMatch(/Authorization Violation/);
});

it('admits users by password and by nkey, and lets each do what he may', async () => {
  const clerk = nkeys.createUser();
  const permissions = { publish: { deny: ['orders.secret'] } };
  await start({
    auth: {
      users: [
        { user: 'boss', password: '$1' },
        { nkey: clerk.getPublicKey(), permissions },
      ],
    },
  });
  const authenticator = nkeyAuthenticator(clerk.getSeed());
  expect(await publish({ user: 'boss', pass: '$1' }, 'orders.secret')).toBe('kept');
  expect(await publish({ user: 'boss', pass: '$2' })).toMatch(/Authorization Violation/);
  expect(await publish({ authenticator })).toBe('kept');
  expect(await publish({ authenticator }, 'orders.secret')).toMatch(/Permissions Violation for Publish/);
  expect(await publish({ authenticator: nkeyAuthenticator(nkeys.createUser().getSeed()) })).toMatch(
    /Authorization Violation/,
  );
});

it('admits users with credentials of its operator, until they expire', async () => {
  const operator = natsOperator();
  await start({ auth: operator.auth });
  const withCredentials = (credentials: Uint8Array): ConnectionOptions => ({
    authenticator: credsAuthenticator(credentials),
  });
  const permissions = { publish: { deny: ['orders.secret'] } };
  const limited = withCredentials(operator.credentials({ permissions }));
  expect(await publish(withCredentials(operator.credentials()), 'orders.secret')).toBe('kept');
  expect(await publish(limited, 'orders.secret')).toMatch(/Permissions Violation for Publish/);
  const expired = operator.credentials({ expiresAt: Date.now() - 60_000 });
  expect(await publish(withCredentials(expired))).toMatch(/Authorization Violation/);
  expect(await publish(withCredentials(natsOperator().credentials()))).toMatch(/Authorization Violation/);
});

it('speaks TLS, and asks clients for certificates where it is told to', async () => {
  const { ca, server: own, client } = certificates();
  await start({ tls: own });
  expect(await publish({ tls: { ca } })).toBe('kept');
  expect(await publish({ tls: { ca: certificates().ca } })).toMatch(/certificate signature failure/);
  await server?.restart({ tls: { ...own, clientCa: ca } });
  expect(await publish({ tls: { ca, ...client } })).toBe('kept');
  // The server ends the connection behind its alert; whichever of the two is read first.
  expect(await publish({ tls: { ca } })).toMatch(/bad certificate|certificate required|ECONNRESET/);
});

it('refuses a certificate that has expired', async () => {
  const { ca, server: own } = certificates({ expiresAt: Date.now() - 1_000 });
  await start({ tls: own });
  expect(await publish({ tls: { ca } })).toMatch(/certificate has expired/);
});
