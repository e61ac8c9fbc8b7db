import { ownMethods } from '@slackwater/shared';
import type { CapturedRequest } from '../../ledger/deferral.ts';

/** What a part waits for. */
export type PartParent =
  /** An attempt at a deferral. */
  | { readonly kind: 'deferral'; readonly id: string; readonly attempt: number }
  /** A request that is performed at once; with the completion rows that its transactions write, if they do. */
  | {
      readonly kind: 'request';
      readonly id: string;
      readonly rows?: { readonly key: string; readonly partitions: readonly string[] };
    };

/** A part as the ledger keeps it: no request, and in the form of one. */
export function partRequest(name: string, payload: Uint8Array, parent: PartParent): CapturedRequest {
  return {
    method: ownMethods.part,
    url: `/${encodeURIComponent(name)}`,
    headers: [['content-type', 'application/json']],
    body: payload,
    remoteAddress: undefined,
    identity: parent,
  };
}

/** The compensation of a deferral, likewise. What it needs it reads from that one's records. */
export function compensationRequest(): CapturedRequest {
  return {
    method: ownMethods.compensation,
    url: '/',
    headers: [],
    body: new Uint8Array(),
    remoteAddress: undefined,
    identity: undefined,
  };
}

/** What a part waits for, as its record has it. The record is authenticated: only {@link partRequest} made it. */
export function parentOf({ identity }: CapturedRequest): PartParent {
  return identity as PartParent;
}

/** Its payload. */
export function payloadOf({ body }: CapturedRequest): unknown {
  return JSON.parse(Buffer.from(body).toString('utf8')) as unknown;
}
