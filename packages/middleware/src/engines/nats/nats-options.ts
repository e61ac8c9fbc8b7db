import { SlackwaterError } from '@slackwater/shared';
import type { GivenKeys } from '../given-keys.ts';

/** What {@link natsEngine} takes. At most one of `user`, `token`, `nkeySeed` and `credentials`. */
export interface NatsEngineOptions {
  /** One address or several: `host:port`, or URLs `nats://` and `tls://`. Further servers of the cluster are learned. */
  readonly servers: string | readonly string[];
  /** The keys of the ledger, the same on every host: a key file's bytes or text, or a function of the group. */
  readonly keys: GivenKeys;
  /** Whom to connect as, with `password`. */
  readonly user?: string;
  /** Of `user`; refused without it. */
  readonly password?: string;
  /** For servers that ask for a token. */
  readonly token?: string;
  /** Seed of an nkey, `SU...`. */
  readonly nkeySeed?: string;
  /** What is in a credentials file (`.creds`): its text or bytes. */
  readonly credentials?: string | Uint8Array;
  /** `true`, or certificates and key as PEM text. A server that asks for TLS gets it anyway. Default: false. */
  readonly tls?: boolean | NatsTlsOptions;
  /** What the names of streams and subjects begin with. Letters, digits, `-` and `_`, at most 32. Default `slackwater`. */
  readonly prefix?: string;
  /**
   * How many servers keep each stream, 1 to 5; without it 3 in a cluster, 1 on a single server. Counts when the streams are
   * made; streams that exist keep theirs, and differing from them is refused.
   */
  readonly replicas?: number;
  /** How large each of the four streams may become, bytes, from 1 MiB; without it the account's limits are the bound. */
  readonly maxBytes?: number;
  /**
   * Where to keep the index of keys between runs, a directory on a local disk. Without it the index is made again at each start,
   * in a temporary file without a name.
   */
  readonly indexDirectory?: string;
}

/** Certificates as PEM text. */
export interface NatsTlsOptions {
  /** Authorities that are trusted instead of the system's. */
  readonly ca?: string;
  /** The client's own certificate, for servers that ask for one. */
  readonly cert?: string;
  /** The key of `cert`. */
  readonly key?: string;
}

const known = [
  'servers',
  'keys',
  'user',
  'password',
  'token',
  'nkeySeed',
  'credentials',
  'tls',
  'prefix',
  'replicas',
  'maxBytes',
  'indexDirectory',
];
const leastMaxBytes = 1024 * 1024;

/** Refuses what the engine can't be made of. Never shows a secret. Throws `option-invalid`, `option-missing` or `option-unknown`. */
export function checkNatsOptions(options: NatsEngineOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid(
      `natsEngine(${String(options)})`,
      "give an object, { servers: 'nats.internal:4222', keys }",
    );
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new SlackwaterError(
        'option-unknown',
        `natsEngine knows no option ${name}; it has ${known.join(', ')}`,
      );
    }
  }
  checkServers(options.servers);
  checkIdentity(options);
  const { prefix, replicas, maxBytes, indexDirectory, tls } = options;
  if (prefix !== undefined && !/^[A-Za-z0-9_-]{1,32}$/.test(String(prefix))) {
    throw invalid(`prefix: ${shown(prefix)}`, 'give 1 to 32 letters, digits, - and _');
  }
  if (replicas !== undefined && !(Number.isInteger(replicas) && replicas >= 1 && replicas <= 5)) {
    throw invalid(`replicas: ${shown(replicas)}`, 'give an integer from 1 to 5, such as 3');
  }
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= leastMaxBytes)) {
    throw invalid(`maxBytes: ${shown(maxBytes)}`, `give a number of bytes, at least ${leastMaxBytes}`);
  }
  if (indexDirectory !== undefined && (typeof indexDirectory !== 'string' || indexDirectory === '')) {
    throw invalid(`indexDirectory: ${shown(indexDirectory)}`, 'give the path of a directory');
  }
  if (tls !== undefined && typeof tls !== 'boolean' && (typeof tls !== 'object' || tls === null)) {
    throw invalid(`tls: ${shown(tls)}`, 'give true, or { ca, cert, key } as PEM text');
  }
}

function checkServers(servers: NatsEngineOptions['servers']): void {
  if (servers === undefined) {
    throw new SlackwaterError(
      'option-missing',
      "natsEngine wants servers, such as { servers: 'nats.internal:4222' }",
    );
  }
  const list: readonly unknown[] = typeof servers === 'string' ? [servers] : servers;
  const fine =
    Array.isArray(list) && list.length > 0 && [...list].every((one) => typeof one === 'string' && one !== '');
  if (!fine)
    throw invalid(`servers: ${shown(servers)}`, "give addresses, such as ['nats-1:4222', 'nats-2:4222']");
}

function checkIdentity({ user, password, token, nkeySeed, credentials }: NatsEngineOptions): void {
  const given = Object.entries({ user, token, nkeySeed, credentials }).filter(
    ([, value]) => value !== undefined,
  );
  if (given.length > 1) {
    throw invalid(
      given.map(([name]) => name).join(' and '),
      'give one of them: a connection has one identity',
    );
  }
  if (password !== undefined && user === undefined) throw invalid('password without user', 'give both');
  for (const [name, value] of Object.entries({ user, password, token, nkeySeed })) {
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw invalid(`${name}: a value of type ${typeof value}`, 'give a string that is not empty');
    }
  }
  if (credentials !== undefined && typeof credentials !== 'string' && !(credentials instanceof Uint8Array)) {
    throw invalid(
      `credentials: a value of type ${typeof credentials}`,
      'give what is in the file, not its name',
    );
  }
  if (typeof credentials === 'string' && !credentials.includes('-----BEGIN')) {
    throw invalid('credentials: a text without -----BEGIN', 'give what is in the file, not its name');
  }
}

function invalid(what: string, advice: string): SlackwaterError {
  return new SlackwaterError('option-invalid', `${what}; ${advice}`);
}

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));
