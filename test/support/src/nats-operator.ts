import { randomUUID } from 'node:crypto';
import { nkeys } from '@nats-io/transport-node';
import type { NatsAuth, NatsPermissions } from './nats-settings.ts';

/** An operator with one account that may use JetStream without limit, and any number of users in it. */
export interface NatsOperator {
  /** For `startNats({ auth })`. */
  readonly auth: NatsAuth;
  /** The text of a credentials file for a new user of the account, as `credsAuthenticator` wants it. */
  credentials(options?: NatsCredentialsOptions): Uint8Array;
}

/** What a user may be given. */
export interface NatsCredentialsOptions {
  readonly permissions?: NatsPermissions;
  /** Unix time in milliseconds from which the server takes the user for a stranger; default never. */
  readonly expiresAt?: number;
}

const unlimited = -1;

/** Makes the keys and JWTs that the `nsc` tool would make, for servers in operator mode. */
export function natsOperator(): NatsOperator {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const systemAccount = nkeys.createAccount();
  const limits = { subs: unlimited, data: unlimited, payload: unlimited };
  const accountLimits = {
    ...limits,
    imports: unlimited,
    exports: unlimited,
    conn: unlimited,
    leaf: unlimited,
  };
  const streams = {
    mem_storage: unlimited,
    disk_storage: unlimited,
    streams: unlimited,
    consumer: unlimited,
  };
  const accountOf = (pair: nkeys.KeyPair, given: object): string =>
    token(operator, pair, 'account', { limits: { ...accountLimits, wildcards: true, ...given } });
  return {
    auth: {
      operator: {
        operatorJwt: token(operator, operator, 'operator', {}),
        systemAccount: systemAccount.getPublicKey(),
        accountJwts: {
          [account.getPublicKey()]: accountOf(account, streams),
          [systemAccount.getPublicKey()]: accountOf(systemAccount, {}),
        },
      },
    },
    credentials({ permissions = {}, expiresAt } = {}) {
      const user = nkeys.createUser();
      const { publish: pub = {}, subscribe: sub = {} } = permissions;
      const jwt = token(account, user, 'user', { pub, sub, ...limits }, expiresAt);
      return credentialsFile(jwt, new TextDecoder().decode(user.getSeed()));
    },
  };
}

/** A JWT as NATS has it: signed by an nkey, what is granted under `nats`, times in seconds. */
function token(
  issuer: nkeys.KeyPair,
  subject: nkeys.KeyPair,
  type: 'operator' | 'account' | 'user',
  granted: object,
  expiresAt?: number,
): string {
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    ...(expiresAt !== undefined && { exp: Math.floor(expiresAt / 1000) }),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: type,
    nats: { ...granted, type, version: 2 },
  };
  const text = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(claims)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function credentialsFile(jwt: string, seed: string): Uint8Array {
  const part = (name: string, text: string): string =>
    `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n\n`;
  return new TextEncoder().encode(part('NATS USER JWT', jwt) + part('USER NKEY SEED', seed));
}
