import { generateKeyPairSync } from 'node:crypto';
import type { AuthOptions } from '@slackwater/middleware';
import jwt from 'jsonwebtoken';

const audience = 'audit-log';
const issuer = 'https://login.example';

/** Stands for the company's login: `auth` is what the audit log has of it, `token` what an auditor gets for half an hour. */
export function openLogin(): { readonly auth: AuthOptions; token(subject: string, scope: string): string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    auth: { key: publicKey, algorithms: ['ES256'], audience, issuer },
    token: (subject, scope) =>
      jwt.sign({ scope }, privateKey, { algorithm: 'ES256', subject, audience, issuer, expiresIn: '30m' }),
  };
}
