const mostScopes = 100;

/**
 * The scopes that a token's claims grant: `scope` as RFC 8693 has it, separated by spaces, or `scope` or `scopes` as a
 * list, as some issuers have it. What is neither grants nothing.
 */
export function scopesOf(claims: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const granted = [...listOf(claims['scope']), ...listOf(claims['scopes'])];
  return new Set(granted.slice(0, mostScopes));
}

function listOf(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((scope) => scope !== '');
  if (!Array.isArray(claim)) return [];
  return claim.filter((scope): scope is string => typeof scope === 'string' && scope !== '');
}
