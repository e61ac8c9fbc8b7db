/**
 * X.509 certificates (RFC 5280) for servers and clients on loopback, written byte by byte: Node makes keys and
 * signatures but no certificates, and not every machine has a tool that does.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { bits, boolean, element, integer, objectId, octets, sequence, set, time, utf8 } from './der.ts';

/** A certificate and its private key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority of its own, and what it has signed. */
export interface Certificates {
  /** The authority's certificate, PEM: who trusts it trusts the others. */
  readonly ca: string;
  /** For 127.0.0.1 and localhost. */
  readonly server: Certificate;
  readonly client: Certificate;
}

/** What `certificates` may be told. */
export interface CertificatesOptions {
  /** Unix time in milliseconds at which all of them end; default in a day. */
  readonly expiresAt?: number;
}

const dayMs = 86_400_000;

/** Makes an authority and, signed by it, a certificate for a server and one for a client. */
export function certificates({ expiresAt = Date.now() + dayMs }: CertificatesOptions = {}): Certificates {
  const authority = newKeys();
  const issue = (name: string, keys: Keys, extensions: readonly Buffer[]): string =>
    certificate({ name, publicKey: keys.publicKey, issuerKey: authority.privateKey, extensions, expiresAt });
  const server = newKeys();
  const client = newKeys();
  return {
    ca: issue(authorityName, authority, [extension(oid.basicConstraints, sequence(boolean(true)))]),
    server: {
      cert: issue('server', server, [extension(oid.subjectAltName, sequence(...loopback))]),
      key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
    client: {
      cert: issue('client', client, []),
      key: client.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
  };
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function newKeys(): Keys {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

const authorityName = 'authority';

const oid = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
};

const version3 = element(0xa0, integer(Uint8Array.of(2)));
const loopback = [element(0x87, Buffer.from([127, 0, 0, 1])), element(0x82, Buffer.from('localhost'))];

interface Content {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly issuerKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly expiresAt: number;
}

function certificate({ name, publicKey, issuerKey, extensions, expiresAt }: Content): string {
  const algorithm = sequence(objectId(oid.ecdsaWithSha256));
  const signed = sequence(
    version3,
    serialNumber(),
    algorithm,
    distinguishedName(authorityName),
    sequence(time(Math.min(Date.now(), expiresAt) - dayMs), time(expiresAt)),
    distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [element(0xa3, sequence(...extensions))]),
  );
  const signature = sign('sha256', signed, issuerKey);
  return pem('CERTIFICATE', sequence(signed, algorithm, bits(signature)));
}

function distinguishedName(name: string): Buffer {
  return sequence(set(sequence(objectId(oid.commonName), utf8(name))));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), octets(value));
}

function serialNumber(): Buffer {
  return integer(Buffer.concat([Uint8Array.of(1), randomBytes(15)]));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
