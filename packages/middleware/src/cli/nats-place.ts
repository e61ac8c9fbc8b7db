import type { NatsEngineOptions } from '../engines/nats/nats-engine.ts';
import { UsageError } from './failures.ts';
import type { Place } from './place.ts';
import { type PlaceQuery, readPlaceQuery } from './place-query.ts';

const settings = [
  ...['prefix', 'replicas', 'maxBytes', 'indexDirectory'],
  ...['credentials', 'nkey', 'tls', 'ca', 'cert', 'key'],
];

/**
 * The engine on NATS: addresses as `natsEngine` takes them, separated by commas, with user and password or token in front of
 * the first if there are any, and its options behind a question mark. Throws a {@link UsageError}.
 */
export function natsPlace(url: string): Place {
  const query = readPlaceQuery('nats', url.startsWith('//') ? `nats:${url}` : url, settings);
  const addresses = query.rest.split(',').map(readAddress);
  const servers = addresses.map(({ server }) => server);
  const [access, ...others] = addresses.flatMap(({ access }) => access ?? []);
  if (others.length > 0) throw new UsageError('nats:...: give user and password once, with the first server');
  const options: Omit<NatsEngineOptions, 'keys'> = { servers, ...access, ...optionsOf(query) };
  const prefix = query.get('prefix');
  return {
    shown: `nats:${servers.join(',')}${prefix === undefined ? '' : `?prefix=${prefix}`}`,
    async engine(keys) {
      const { natsEngine } = await import('../engines/nats/nats-engine.ts');
      return natsEngine({ ...options, keys });
    },
  };
}

type Access = Pick<NatsEngineOptions, 'user' | 'password' | 'token'>;

/** `nats://user:password@host:4222` without what is secret, and that. */
function readAddress(address: string): { readonly server: string; readonly access: Access | undefined } {
  const parts = /^(?<scheme>(?:nats|tls):\/\/)?(?:(?<access>.*)@)?(?<host>[^/@\s]+)\/?$/s.exec(
    address,
  )?.groups;
  const host = parts?.['host'];
  if (host === undefined) throw new UsageError('nats:...: give host:port, or several separated by commas');
  const server = `${parts?.['scheme'] ?? ''}${host}`;
  const access = parts?.['access'];
  if (access === undefined) return { server, access: undefined };
  const [user, password] = access.split(/:(.*)/s).map(decoded);
  if (user === undefined || user === '') throw new UsageError('nats:...@: give user:password, or a token');
  return { server, access: password === undefined ? { token: user } : { user, password } };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new UsageError('nats:...@: write a percent sign in user, password or token as %25');
  }
}

function optionsOf(query: PlaceQuery): Partial<NatsEngineOptions> {
  const ca = query.file('ca');
  const cert = query.file('cert');
  const key = query.file('key');
  const pem = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  const all: Partial<Record<keyof NatsEngineOptions, unknown>> = {
    prefix: query.get('prefix'),
    replicas: query.count('replicas'),
    maxBytes: query.count('maxBytes'),
    indexDirectory: query.get('indexDirectory'),
    credentials: query.file('credentials'),
    nkeySeed: query.file('nkey')?.trim(),
    tls: Object.keys(pem).length > 0 ? pem : query.flag('tls'),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
