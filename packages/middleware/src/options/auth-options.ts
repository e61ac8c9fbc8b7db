import type { KeyObject } from 'node:crypto';

/** How JSON Web Tokens (RFC 7519) of auditors and administrators are verified. */
export interface AuthOptions {
  /** The issuer's public key, or a secret key; `createPublicKey(pem)` makes one. Required. */
  readonly key: KeyObject;
  /** The algorithms that are accepted, such as `['ES256']`; never `none`. Required. */
  readonly algorithms: readonly string[];
  /** The `aud` that a token must have. Required. */
  readonly audience: string;
  /** The `iss` that a token must have. Required. */
  readonly issuer: string;
}
