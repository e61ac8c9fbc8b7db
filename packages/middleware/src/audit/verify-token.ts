import jwt, { type Algorithm } from 'jsonwebtoken';
import type { Clock } from '../clock.ts';
import type { AuthOptions } from '../options/auth-options.ts';
import { scopesOf } from './scopes-of.ts';

/** What a valid token says. */
export interface Granted {
  readonly scopes: ReadonlySet<string>;
  /** Whom it was issued to: `sub`, or `client_id` where that is missing (RFC 9068); undefined where neither is a text. */
  readonly subject: string | undefined;
}

/** What a valid token says; undefined for one that is not. Never throws. */
export type VerifyToken = (token: string) => Granted | undefined;

/** Tokens that are longer are refused unread. */
const mostCharacters = 8_192;

/**
 * Verifies JSON Web Tokens (RFC 7519, RFC 8725): one key, the algorithms that are named and no others, `iss`, `aud` and `exp`
 * required and checked, `nbf` where it is there. Times are compared with the clock's wall time, without leeway.
 */
export function tokenVerifier(
  { key, algorithms, audience, issuer }: AuthOptions,
  clock: Pick<Clock, 'wallNow'>,
): VerifyToken {
  return (token) => {
    if (token.length > mostCharacters) return undefined;
    try {
      const { header, payload } = jwt.verify(token, key, {
        complete: true,
        algorithms: algorithms as Algorithm[],
        audience,
        issuer,
        clockTimestamp: Math.floor(clock.wallNow() / 1_000),
      });
      if (typeof payload === 'string' || typeof payload.exp !== 'number') return undefined;
      // What is critical and not understood makes a token invalid (RFC 7515, section 4.1.11); nothing is understood here.
      if (header.crit !== undefined) return undefined;
      return { scopes: scopesOf(payload), subject: subjectOf(payload) };
    } catch {
      return undefined;
    }
  };
}

function subjectOf({ sub, client_id: client }: Readonly<Record<string, unknown>>): string | undefined {
  const named = [sub, client].find((name) => typeof name === 'string' && name !== '');
  return named as string | undefined;
}
