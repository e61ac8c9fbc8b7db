import type { KeyObject } from 'node:crypto';

// RFC 7518, section 3. One list for one kind of key: a public key taken for the secret of an HS algorithm would let
// anybody who has it, and that is everybody, make tokens.

const families = {
  HS: { key: 'secret', needs: 'a secret key' },
  RS: { key: 'rsa', needs: 'an RSA key' },
  PS: { key: 'rsa', needs: 'an RSA key' },
  ES: { key: 'ec', needs: 'an elliptic-curve key' },
} as const;

const curves: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};

const leastModulusBits = 2_048;

/** The algorithms that jsonwebtoken 9 verifies with. */
export const algorithms: readonly string[] = Object.keys(families).flatMap((family) =>
  ['256', '384', '512'].map((bits) => family + bits),
);

/** Why a token of that algorithm can't be verified with the key, to be read after its name; undefined where it can. */
export function algorithmFault(algorithm: string, key: KeyObject): string | undefined {
  const family = familyOf(algorithm);
  const kind = kindOf(key);
  if (family.key !== (kind === 'rsa-pss' && algorithm.startsWith('PS') ? 'rsa' : kind)) {
    return `needs ${family.needs}, and auth.key is ${kind === 'secret' ? 'a secret key' : `a public key of the type ${kind}`}`;
  }
  switch (family.key) {
    case 'secret':
      return secretFault(algorithm, key.symmetricKeySize ?? 0);
    case 'ec':
      return curveFault(algorithm, key.asymmetricKeyDetails?.namedCurve);
    case 'rsa':
      return modulusFault(key.asymmetricKeyDetails?.modulusLength ?? 0);
    default:
      return family satisfies never;
  }
}

function familyOf(algorithm: string): (typeof families)[keyof typeof families] {
  const prefix = algorithm.slice(0, 2);
  if (prefix === 'HS' || prefix === 'RS' || prefix === 'PS') return families[prefix];
  return families.ES;
}

function kindOf(key: KeyObject): string {
  return key.type === 'secret' ? 'secret' : (key.asymmetricKeyType ?? 'unknown');
}

function secretFault(algorithm: string, bytes: number): string | undefined {
  const least = Number(algorithm.slice(2)) / 8;
  return bytes >= least
    ? undefined
    : `needs a secret of at least ${least} bytes (RFC 7518), and auth.key has ${bytes}`;
}

function curveFault(algorithm: string, curve: string | undefined): string | undefined {
  const wanted = curves[algorithm];
  return curve === wanted ? undefined : `needs the curve ${wanted}, and auth.key has ${curve}`;
}

function modulusFault(bits: number): string | undefined {
  return bits >= leastModulusBits
    ? undefined
    : `needs at least ${leastModulusBits} bits (RFC 7518), and auth.key has ${bits}`;
}
