import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a NATS server may be told. */
export interface NatsOptions {
  /** Who may connect, and do what there; default anybody, everything. */
  readonly auth?: NatsAuth;
  /** Makes TLS a must. */
  readonly tls?: NatsTls;
  /** Largest message in bytes; default 1 MiB, as NATS has it. */
  readonly maxPayloadBytes?: number;
  /** What all streams together may keep in files, in bytes; default 1 GiB. */
  readonly maxFileStoreBytes?: number;
  /** `false` for a server without JetStream. */
  readonly jetStream?: boolean;
  /** Further text of the configuration file. */
  readonly settings?: string;
}

/** A token for all, users with passwords or nkeys, or an operator whose accounts and users are JWTs. */
export type NatsAuth =
  | { readonly token: string }
  | { readonly users: readonly NatsUser[] }
  | { readonly operator: NatsOperatorSettings };

/** A user, known by password or by the public half of an nkey (`U...`). */
export type NatsUser = ({ readonly user: string; readonly password: string } | { readonly nkey: string }) & {
  readonly permissions?: NatsPermissions;
};

/** Subjects, wildcards allowed. What is not named is allowed, unless `allow` names others. */
export interface NatsPermissions {
  readonly publish?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] };
  readonly subscribe?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] };
}

/** The part of an operator that a server knows. */
export interface NatsOperatorSettings {
  readonly operatorJwt: string;
  readonly systemAccount: string;
  /** Account JWTs by the accounts' public keys. */
  readonly accountJwts: Readonly<Record<string, string>>;
}

/** PEM texts, as `certificates()` makes them. */
export interface NatsTls {
  readonly cert: string;
  readonly key: string;
  /** Where given, clients too must show a certificate that this authority has signed. */
  readonly clientCa?: string;
}

/** Where a server listens and keeps its things. */
export interface NatsPlace {
  readonly name: string;
  readonly port: number;
  /** Its configuration, certificates and log. */
  readonly directory: string;
  readonly storeDirectory: string;
  readonly cluster?: NatsClusterPlace;
}

/** Where a server meets the others. */
export interface NatsClusterPlace {
  readonly port: number;
  readonly routes: readonly number[];
  /** Whether clients are told of the other servers. */
  readonly advertise: boolean;
}

const host = '127.0.0.1';
const gibibyte = 1024 ** 3;

/** Writes the configuration of one server, and returns its file. */
export function configure(place: NatsPlace, options: NatsOptions): string {
  const { maxPayloadBytes, maxFileStoreBytes = gibibyte, jetStream = true, settings = '' } = options;
  const lines = {
    server_name: place.name,
    listen: `${host}:${place.port}`,
    ...(jetStream && { jetstream: { store_dir: place.storeDirectory, max_file_store: maxFileStoreBytes } }),
    ...(maxPayloadBytes !== undefined && { max_payload: maxPayloadBytes }),
    ...(place.cluster !== undefined && { cluster: clusterOf(place.cluster) }),
    ...(options.auth !== undefined && authOf(options.auth)),
    ...(options.tls !== undefined && { tls: tlsOf(place, options.tls) }),
  };
  // A value in NATS's language may be written as JSON.
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  return write(place, 'conf', `${text.join('')}${settings}\n`);
}

function clusterOf({ port, routes, advertise }: NatsClusterPlace): object {
  return {
    name: 'test',
    listen: `${host}:${port}`,
    routes: routes.map((route) => `nats://${host}:${route}`),
    no_advertise: !advertise,
  };
}

function authOf(auth: NatsAuth): object {
  if ('token' in auth) return { authorization: auth };
  if ('users' in auth) return { authorization: auth };
  const { operatorJwt, systemAccount, accountJwts } = auth.operator;
  return {
    operator: operatorJwt,
    system_account: systemAccount,
    resolver: 'MEMORY',
    resolver_preload: accountJwts,
  };
}

function tlsOf(place: NatsPlace, { cert, key, clientCa }: NatsTls): object {
  return {
    cert_file: write(place, 'cert.pem', cert),
    key_file: write(place, 'key.pem', key),
    ...(clientCa !== undefined && { ca_file: write(place, 'client-ca.pem', clientCa), verify: true }),
  };
}

function write({ directory, name }: NatsPlace, ending: string, text: string): string {
  const file = join(directory, `${name}.${ending}`);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}
