import { createPublicKey, createSecretKey, generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { describe, expect, it } from 'vitest';
import { algorithms as known } from '../../../packages/middleware/src/options/key-algorithms.ts';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { refusalOf } from './refused.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
const secret = createSecretKey(Buffer.alloc(64, 7));
const rest = { audience: 'slackwater', issuer: 'login' };
const auth = { key: p256.publicKey, algorithms: ['ES256'], ...rest };

const pairs = {
  HS: () => ({ sign: secret, key: secret }),
  RS: () => ({ sign: rsa.privateKey, key: rsa.publicKey }),
  PS: () => ({ sign: rsa.privateKey, key: rsa.publicKey }),
  ES: (bits: string) => {
    const pair = { 256: p256, 384: p384, 512: p521 }[bits];
    if (pair === undefined) throw new Error(`no curve for ${bits}`);
    return { sign: pair.privateKey, key: pair.publicKey };
  },
};

describe('auth', () => {
  it.each(known)('accepts %s with a key with which jsonwebtoken verifies it', (algorithm) => {
    const family = algorithm.slice(0, 2) as keyof typeof pairs;
    const { sign, key } = pairs[family](algorithm.slice(2));
    const token = jwt.sign({ sub: 'a' }, sign, { algorithm: algorithm as jwt.Algorithm });
    expect(jwt.verify(token, key, { algorithms: [algorithm as jwt.Algorithm] })).toMatchObject({ sub: 'a' });
    const resolved = resolveOptions({ auth: { key, algorithms: [algorithm], ...rest } });
    expect(resolved.auth).toEqual({ key, algorithms: [algorithm], ...rest });
  });

  it.each([
    ['key', 'createPublicKey(pem)'],
    ['algorithms', "['ES256']"],
    ['audience', 'aud'],
    ['issuer', 'iss'],
  ])('needs %s', (name, wayOut) => {
    expect(refusalOf({ auth: { ...auth, [name]: undefined } })).toMatchObject({
      code: 'option-missing',
      option: `auth.${name}`,
      message: expect.stringContaining(wayOut),
    });
  });

  it.each([
    ['none', 'a token without signature proves nothing'],
    ['NONE', 'a token without signature proves nothing'],
    ['EdDSA', 'give some of HS256'],
    ['es256', 'give some of HS256'],
    [undefined, 'give some of HS256'],
  ])('refuses the algorithm %s', (algorithm, why) => {
    expect(refusalOf({ auth: { ...auth, algorithms: ['ES256', algorithm] } })).toMatchObject({
      code: 'option-invalid',
      option: 'auth.algorithms[1]',
      message: expect.stringContaining(why),
    });
  });

  it.each([
    ['a public key as the secret of HS256', p256.publicKey, 'HS256', 'needs a secret key'],
    ['a public RSA key as the secret of HS256', rsa.publicKey, 'HS256', 'needs a secret key'],
    ['a secret for ES256', secret, 'ES256', 'needs an elliptic-curve key'],
    ['a secret for RS256', secret, 'RS256', 'needs an RSA key'],
    ['an RSA key for ES256', rsa.publicKey, 'ES256', 'a public key of the type rsa'],
    ['the wrong curve', p384.publicKey, 'ES256', 'needs the curve prime256v1'],
    ['a short secret', createSecretKey(Buffer.from('secret')), 'HS256', 'at least 32 bytes'],
    ['a short RSA key', generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey, 'RS256', '2048 bits'],
    ['an Ed25519 key', generateKeyPairSync('ed25519').publicKey, 'ES256', 'of the type ed25519'],
    [
      'a PSS key for RS256',
      generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).publicKey,
      'RS256',
      'rsa-pss',
    ],
  ])('refuses %s', (_, key, algorithm, why) => {
    const refusal = refusalOf({ auth: { ...auth, key, algorithms: [algorithm] } });
    expect(refusal).toMatchObject({ code: 'option-invalid', option: 'auth.algorithms[0]' });
    expect(refusal.message).toContain(why);
  });

  it('refuses mixed algorithms that no one key fits', () => {
    const refusal = refusalOf({ auth: { ...auth, algorithms: ['ES256', 'RS256'] } });
    expect(refusal.message).toMatch(/^auth\.algorithms\[1\]: "RS256" needs an RSA key/);
    expect(refusalOf({ auth: { ...auth, algorithms: [] } }).message).toContain('accepts none');
  });

  it('refuses keys that are text, bytes or private, and never quotes them', () => {
    const pem = String(p256.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const secrets = [pem, Buffer.from(pem), p256.privateKey, { secret: 'MIGH' }, 'correct horse'];
    for (const key of secrets) {
      const { code, message } = refusalOf({ auth: { ...auth, key } });
      expect(code).toBe('option-invalid');
      expect(message).toMatch(/^auth\.key: .*createPublicKey\(/);
      expect(message).not.toMatch(/MIGH|horse|PRIVATE/);
    }
    expect(resolveOptions({ auth: { ...auth, key: createPublicKey(pem) } }).auth).toBeDefined();
  });

  it('never quotes the password in a public URL', () => {
    const { message } = refusalOf({ publicUrl: 'https://user:horse@shop.example' });
    expect(message).toMatch(/^publicUrl: it has a user name or password/);
    expect(message).not.toContain('horse');
  });

  it.each([[''], [7], [['a']]])('refuses the audience %j', (audience) => {
    expect(refusalOf({ auth: { ...auth, audience } }).message).toMatch(/^auth\.audience: /);
  });
});
