import { createSecretKey } from 'node:crypto';
import { manualClock } from '@slackwater/test-support/manual-clock';
import jwt from 'jsonwebtoken';
import { describe, expect, it } from 'vitest';
import { tokenVerifier } from '../../../packages/middleware/src/audit/verify-token.ts';
import { auth, claims, forged, hmacByPublicKey, signed, strangersKey } from './issuer.ts';

const clock = manualClock();
const verify = tokenVerifier(auth, clock);
const good = (scope?: unknown): Record<string, unknown> => claims(clock.wallNow(), scope);
const without = (name: string): Record<string, unknown> => {
  const { [name]: _left, ...rest } = good();
  return rest;
};

describe('a good token', () => {
  it.each([
    ['scopes separated by spaces', good('audit:read admin'), ['audit:read', 'admin']],
    ['a list of scopes', good(['audit:read', 'admin']), ['audit:read', 'admin']],
    ['a list called scopes', { ...without('scope'), scopes: ['admin'] }, ['admin']],
    ['no scope', without('scope'), []],
    ['scopes that are no texts', good([1, null, { admin: true }, '']), []],
    ['a scope that is an object', good({ admin: true }), []],
  ])('grants %s', (_name, payload, expected) => {
    expect([...(verify(signed(payload))?.scopes ?? ['refused'])]).toEqual(expected);
  });

  it.each([
    [{ sub: 'alice' }, 'alice'],
    [{ sub: 'alice', client_id: 'robot' }, 'alice'],
    [{ sub: '', client_id: 'robot' }, 'robot'],
    [{ sub: undefined }, undefined],
    [{ sub: undefined, client_id: { name: 'x' } }, undefined],
  ])('of %j says whom it was issued to', (who, subject) => {
    const payload = JSON.parse(JSON.stringify({ ...good(), ...who })) as Record<string, unknown>;
    expect(verify(signed(payload))?.subject).toBe(subject);
  });

  it('may be for several audiences', () => {
    expect(verify(signed({ ...good(), aud: ['other', auth.audience] }))).toBeDefined();
  });

  it('may be signed by a secret key where that is the algorithm', () => {
    const key = createSecretKey(Buffer.alloc(32, 7));
    const token = jwt.sign(good(), key, { algorithm: 'HS256', noTimestamp: true });
    expect(tokenVerifier({ ...auth, key, algorithms: ['HS256'] }, clock)(token)).toBeDefined();
  });
});

describe('a token is refused', () => {
  const now = Math.floor(clock.wallNow() / 1_000);
  it.each([
    ['of another audience', { ...good(), aud: 'other' }],
    ['of an audience that only begins so', { ...good(), aud: `${auth.audience}-2` }],
    ['of no audience', without('aud')],
    ['of another issuer', { ...good(), iss: 'https://issuer.example.evil' }],
    ['of no issuer', without('iss')],
    ['that expires now', { ...good(), exp: now }],
    ['that has expired', { ...good(), exp: now - 1 }],
    ['that never expires', without('exp')],
    ['that is not valid yet', { ...good(), nbf: now + 1 }],
  ])('%s', (_name, payload) => {
    expect(verify(signed(payload))).toBeUndefined();
  });

  it('when the clock has passed its end', () => {
    const later = manualClock();
    const token = signed(claims(later.wallNow()));
    const verifyLater = tokenVerifier(auth, later);
    later.advance(299_999);
    expect(verifyLater(token)).toBeDefined();
    later.advance(1);
    expect(verifyLater(token)).toBeUndefined();
  });

  it.each([
    ['signed by a stranger', signed(good(), strangersKey())],
    ['of alg none', forged({ alg: 'none', typ: 'JWT' }, good())],
    ['of alg none with a signature', forged({ alg: 'none' }, good(), hmacByPublicKey)],
    ['of alg None', forged({ alg: 'None' }, good())],
    ['signed with the public key as a secret', forged({ alg: 'HS256' }, good(), hmacByPublicKey)],
    ['that says ES256 over an HMAC', forged({ alg: 'ES256' }, good(), hmacByPublicKey)],
    ['without a signature', `${signed(good()).split('.').slice(0, 2).join('.')}.`],
    ['with critical headers', signed(good(), undefined, { crit: ['x'], x: 1 })],
    ['whose payload is null', forged({ alg: 'ES256' }, null as unknown as Record<string, unknown>)],
    ['that is none', 'audit:read'],
    ['that is empty', ''],
    ['of three empty parts', '..'],
    ['that is too long', signed({ ...good(), padding: 'x'.repeat(9_000) })],
  ])('%s', (_name, token) => {
    expect(verify(token)).toBeUndefined();
  });

  it('where another payload stands before a good signature', () => {
    const [header, , signature] = signed(good('audit:read')).split('.');
    const payload = Buffer.from(JSON.stringify(good('admin'))).toString('base64url');
    expect(verify([header, payload, signature].join('.'))).toBeUndefined();
  });

  it('signed by the right key in an algorithm that was not named', () => {
    const rs = tokenVerifier({ ...auth, algorithms: ['RS256', 'PS256'] }, clock);
    expect(rs(signed(good()))).toBeUndefined();
    expect(
      tokenVerifier({ ...auth, algorithms: ['HS256', 'none'] }, clock)(forged({ alg: 'none' }, good())),
    ).toBeUndefined();
    const confused = forged({ alg: 'HS256' }, good(), hmacByPublicKey);
    expect(tokenVerifier({ ...auth, algorithms: ['HS256'] }, clock)(confused)).toBeUndefined();
  });
});
