import { nkeys } from '@nats-io/transport-node';
import { certificates } from '@slackwater/test-support/certificates';
import { type NatsOptions, natsOperator, startNats } from '@slackwater/test-support/nats';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { Engine } from '../../../../packages/middleware/src/engines/engine.ts';
import {
  type NatsEngineOptions,
  natsEngine,
} from '../../../../packages/middleware/src/engines/nats/nats-engine.ts';
import { createKeyFile } from '../../../../packages/middleware/src/ledger/keys.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';

type How = Omit<NatsEngineOptions, 'servers' | 'keys'>;

interface Case {
  readonly what: string;
  make(): { readonly server: NatsOptions; readonly right: How; readonly wrong: How };
}

const { publicKey, seed } = nkey();
const pem = certificates();

const cases: readonly Case[] = [
  {
    what: 'user and password',
    make: () => ({
      server: { auth: { users: [{ user: 'gate', password: 'secret-1' }] } },
      right: { user: 'gate', password: 'secret-1' },
      wrong: { user: 'gate', password: 'secret-2' },
    }),
  },
  {
    what: 'a token',
    make: () => ({
      server: { auth: { token: 'secret-1' } },
      right: { token: 'secret-1' },
      wrong: { token: 'secret-2' },
    }),
  },
  {
    what: 'an nkey',
    make: () => ({
      server: { auth: { users: [{ nkey: publicKey }] } },
      right: { nkeySeed: seed },
      wrong: { nkeySeed: nkey().seed },
    }),
  },
  {
    what: 'a credentials file',
    make: () => {
      const operator = natsOperator();
      return {
        server: { auth: operator.auth },
        right: { credentials: operator.credentials() },
        wrong: { credentials: natsOperator().credentials() },
      };
    },
  },
  {
    what: 'TLS with the authority and a certificate of the client’s own',
    make: () => ({
      server: { tls: { ...pem.server, clientCa: pem.ca } },
      right: { tls: { ca: pem.ca, ...pem.client } },
      wrong: { tls: { ca: certificates().ca, ...pem.client } },
    }),
  },
];

function nkey(): { readonly publicKey: string; readonly seed: string } {
  const user = nkeys.createUser();
  return { publicKey: user.getPublicKey(), seed: new TextDecoder().decode(user.getSeed()) };
}

describe('who the NATS engine connects as', () => {
  it.each(cases)(
    'may be said by $what; another one is refused with the server’s name and no secret',
    async ({ make }) => {
      const { server: options, right, wrong } = make();
      const server = await startNats(options);
      try {
        const engine = (how: How): Engine =>
          natsEngine({
            servers: server.servers,
            keys: createKeyFile({ application: 'shop', group: 'main' }),
            ...how,
          });
        const open = await engine(right).open({ ...scope, clock: systemClock });
        expect(await open.log.append([bytes('a')])).toEqual({ first: 0 });
        await open.close();
        const refused = await engine(wrong)
          .open({ ...scope, clock: systemClock })
          .then(
            () => undefined,
            (error: unknown) => error as Error,
          );
        expect(refused).toMatchObject({ code: 'engine-unavailable', fate: 'none' });
        expect(refused?.message).toContain(server.servers[0]);
        expect(refused?.message).not.toMatch(/secret|SU[A-Z0-9]{50}/);
      } finally {
        await server.stop();
      }
    },
  );

  it('is refused as options where it is nobody or two at once', () => {
    const make = (how: object) => () =>
      natsEngine({ servers: 'localhost:4222', keys: '{}', ...how } as NatsEngineOptions);
    expect(make({ user: 'a', token: 'b' })).toThrow('user and token; give one of them');
    expect(make({ password: 'x' })).toThrow('password without user');
    expect(make({ token: '' })).toThrow('token: a value of type string; give a string that is not empty');
    expect(make({ credentials: '/etc/gate.creds' })).toThrow('give what is in the file, not its name');
    expect(make({ tls: 'yes' })).toThrow('tls: "yes"; give true, or { ca, cert, key } as PEM text');
    expect(make({ replicas: 0 })).toThrow('replicas: 0; give an integer from 1 to 5');
    expect(make({ maxBytes: 5 })).toThrow('maxBytes: 5; give a number of bytes, at least 1048576');
    expect(make({ prefix: 'a.b' })).toThrow('prefix: "a.b"; give 1 to 32 letters, digits, - and _');
    expect(make({ servers: [] })).toThrow('give addresses');
    expect(make({ servers: new Array(1) })).toThrow('give addresses');
    expect(make({ servers: undefined })).toThrow('natsEngine wants servers');
    expect(make({ keys: undefined })).toThrow('natsEngine wants keys');
    expect(make({ indexDirectory: '' })).toThrow('indexDirectory: ""; give the path of a directory');
    expect(make({ server: 'x' })).toThrow('natsEngine knows no option server');
  });
});
