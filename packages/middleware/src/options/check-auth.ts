import type { KeyObject } from 'node:crypto';
import { types } from 'node:util';
import type { AuthOptions } from './auth-options.ts';
import { algorithmFault, algorithms } from './key-algorithms.ts';
import { OptionContradictionError, OptionInvalidError, OptionMissingError } from './option-error.ts';
import { type Readers, readGroup } from './read-group.ts';
import { arrayOf, text } from './read-values.ts';
import { quoted, said } from './said.ts';

const algorithmAdvice = "give an array, ['ES256']";

const readers: Readers<AuthOptions> = {
  key: readKey,
  algorithms: arrayOf(readAlgorithm, algorithms.length, algorithmAdvice),
  audience: text(1_024),
  issuer: text(1_024),
};

const needs: Readonly<Record<keyof AuthOptions, string>> = {
  key: 'give the key that tokens are verified with, createPublicKey(pem) of node:crypto',
  algorithms: `a token's own word is not taken for it; ${algorithmAdvice}`,
  audience: 'give the aud that tokens must have, so that those for others are refused',
  issuer: 'give the iss that tokens must have',
};

/** The options under `auth`, whole. Throws `option-invalid`, `option-unknown` and `option-missing`. */
export function checkAuth(value: unknown): AuthOptions | undefined {
  if (value === undefined) return undefined;
  const given = readGroup<AuthOptions>(value, 'auth', readers, {
    advice: 'give an object, { key, algorithms, audience, issuer }',
  });
  const need = <Name extends keyof AuthOptions>(name: Name): AuthOptions[Name] => {
    const member = given[name];
    if (member === undefined) throw new OptionMissingError(`auth.${name}`, needs[name]);
    return member;
  };
  const auth = {
    key: need('key'),
    algorithms: need('algorithms'),
    audience: need('audience'),
    issuer: need('issuer'),
  };
  checkFit(auth);
  return auth;
}

/** Never quotes what it was given: that may be a secret. */
function readKey(value: unknown, option: string): KeyObject {
  if (!types.isKeyObject(value)) {
    const kind = typeof value === 'string' || types.isUint8Array(value) ? 'text or bytes' : said(value);
    throw new OptionContradictionError(
      option,
      `${kind} instead of a KeyObject; give createPublicKey(pem), or createSecretKey(bytes), of node:crypto`,
    );
  }
  if (value.type === 'private') {
    throw new OptionContradictionError(
      option,
      'a private key; verifying needs its public half, createPublicKey(key)',
    );
  }
  return value;
}

function readAlgorithm(value: unknown, option: string): string {
  const known = algorithms.find((name) => name === value);
  if (known !== undefined) return known;
  const why =
    typeof value === 'string' && value.toLowerCase() === 'none'
      ? 'a token without signature proves nothing; '
      : '';
  throw new OptionInvalidError(option, value, `${why}give some of ${algorithms.join(', ')}`);
}

function checkFit({ key, algorithms: accepted }: AuthOptions): void {
  if (accepted.length === 0) {
    throw new OptionContradictionError('auth.algorithms', `[] accepts none; ${algorithmAdvice}`);
  }
  for (const [at, algorithm] of accepted.entries()) {
    const fault = algorithmFault(algorithm, key);
    if (fault === undefined) continue;
    throw new OptionContradictionError(`auth.algorithms[${at}]`, `${quoted(algorithm)} ${fault}`);
  }
}
