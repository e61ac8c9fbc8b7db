import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { AuthOptions } from '../../../packages/middleware/src/options/auth-options.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

export const auth: AuthOptions = {
  key: pair.publicKey,
  algorithms: ['ES256'],
  audience: 'slackwater',
  issuer: 'https://issuer.example',
};

/** Claims of a good token that expires five minutes after `wallMs`. */
export function claims(wallMs: number, scope: unknown = 'audit:read'): Record<string, unknown> {
  return { iss: auth.issuer, aud: auth.audience, sub: 'ann', exp: Math.floor(wallMs / 1_000) + 300, scope };
}

export function signed(
  payload: Record<string, unknown>,
  key: KeyObject = pair.privateKey,
  header: Record<string, unknown> = {},
): string {
  return jwt.sign(payload, key, {
    algorithm: 'ES256',
    noTimestamp: true,
    header: { alg: 'ES256', ...header },
  });
}

export function strangersKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** A token that no library would make. `sign` gives the signature over the first two parts. */
export function forged(
  header: Record<string, unknown>,
  payload: Record<string, unknown>,
  sign: (input: string) => string = () => '',
): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${sign(input)}`;
}

/** The old confusion: the public key's text, which everybody knows, as an HMAC secret. */
export function hmacByPublicKey(input: string): string {
  const pem = createPublicKey(pair.privateKey).export({ type: 'spki', format: 'pem' });
  return createHmac('sha256', pem).update(input).digest('base64url');
}
