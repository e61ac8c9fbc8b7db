import type { Request } from 'express';
import { inTime } from '../../in-time.ts';
import type { Deferral } from '../../ledger/deferral.ts';
import type { Ledger } from '../../ledger/open-ledger.ts';
import type { ResourceParts } from './contract.ts';
import type { Exchange } from './exchange.ts';
import { resourceLimits } from './limits.ts';
import { tellTrouble } from './trouble.ts';

/** What a token can permit. */
export type Scope = 'audit:read' | 'audit:reveal' | 'admin';

/** How somebody came to see a deferral. */
export interface Sight {
  /** The capability that was shown and is right: URLs that are given out carry it on. */
  readonly capability: string | undefined;
  /** Whether nothing but a token's scope lets them see it. */
  readonly byScope: boolean;
}

const bearer = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/** Whether the request has a valid token with one of the scopes. */
export function hasScope({ parts, req }: Exchange, ...scopes: readonly Scope[]): boolean {
  const granted = grantedTo(parts.verifyToken, req);
  return granted !== undefined && scopes.some((scope) => granted.scopes.has(scope));
}

/** Whom the request's token was issued to, for the record: `token:<subject>`. */
export function bearerOf({ parts, req }: Exchange): string {
  const subject = grantedTo(parts.verifyToken, req)?.subject?.slice(0, mostSubjectCharacters);
  return `token:${subject ?? '(no subject)'}`;
}

const mostSubjectCharacters = 200;

/** What the request's bearer token says (RFC 6750); undefined where it has none that is valid. */
export function grantedTo(
  verifyToken: ResourceParts['verifyToken'],
  req: Request,
): ReturnType<NonNullable<ResourceParts['verifyToken']>> {
  const token = bearer.exec(req.headers.authorization ?? '')?.[1];
  return token === undefined ? undefined : verifyToken?.(token);
}

/**
 * Who may do with a deferral what needs `scope` of a stranger: its own caller, by the capability or as the same
 * requester, and who has a token with that scope. Undefined for everybody else.
 */
export async function sightOf(
  exchange: Exchange,
  ledger: Ledger,
  deferral: Deferral,
  scope: Scope,
): Promise<Sight | undefined> {
  const [capability, another] = exchange.query.getAll('capability');
  const shown = capability !== undefined && capability.length <= resourceLimits.capabilityCharacters;
  if (shown && another === undefined && (await ledger.admitsCapability(deferral.id, capability))) {
    return { capability, byScope: false };
  }
  if (hasScope(exchange, scope)) return { capability: undefined, byScope: true };
  return (await isItsRequester(exchange, ledger, deferral))
    ? { capability: undefined, byScope: false }
    : undefined;
}

/** Whether the request comes from whom the deferral was made for, by the option `requester`. */
export async function isItsRequester(
  { parts, req }: Exchange,
  ledger: Ledger,
  deferral: Deferral,
): Promise<boolean> {
  const requester = await requesterOf(parts, req);
  return requester !== undefined && ledger.isRequester(deferral, requester);
}

/** A function that throws, takes too long or gives anything but a name says that it knows nobody. */
async function requesterOf(parts: ResourceParts, req: Request): Promise<string | undefined> {
  const { requester, clock } = parts;
  if (requester === undefined) return undefined;
  try {
    const asking = (async () => requester(req))();
    const named: unknown = await inTime(clock, resourceLimits.askMs, 'requester', asking);
    return typeof named === 'string' && named !== '' ? named : undefined;
  } catch (error) {
    tellTrouble(parts, 'asking requester', error);
    return undefined;
  }
}
