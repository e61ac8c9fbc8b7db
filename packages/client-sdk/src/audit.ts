import {
  type Checkpoint,
  type DeferralResource,
  type DeferralStatus,
  fromBase64,
  isDeferralResource,
  parseCheckpoint,
  parseReceipt,
  SlackwaterError,
  verifyCheckpoint,
  verifyReceipt,
} from '@slackwater/shared';
import type { AxiosResponse } from 'axios';
import { isDeferralId } from './deferral/status-url.ts';
import { isRecord } from './wire/json-body.ts';

/** Filters of `client.audit.list`; all that are given must hold. */
export interface AuditFilters {
  readonly status?: DeferralStatus;
  readonly workType?: string;
  readonly partition?: string;
  readonly requester?: string;
  /** Deferrals per page, 1 to 1,000. Default: the server's. */
  readonly limit?: number;
  /** Where to begin: the `next` of an earlier page. */
  readonly cursor?: string;
}

/** One deferral in a list: at least its id, and whatever of the deferral resource the server shows to auditors. */
export type AuditDeferral = Pick<DeferralResource, 'id'> & Partial<DeferralResource>;

/** A fresh receipt with the entry that it proves. */
export interface AuditReceipt {
  /** C2SP tlog-proof text. */
  readonly receipt: string;
  /** Position in the ledger. */
  readonly index: number;
  /** Whether it was verified under one of the client's verifier keys. */
  readonly verified: boolean;
}

/** A ledger's signed head. */
export interface AuditCheckpoint extends Checkpoint {
  /** The signed note, verbatim: keep it to notice later that a ledger was cut. */
  readonly text: string;
  /** Whether it was verified under one of the client's verifier keys. */
  readonly verified: boolean;
}

/**
 * Questions to the ledger. They need a token with the scope `audit:read`, sent as the caller's instance sends its credentials. Errors
 * are the AxiosErrors of the answers, and SlackwaterError `response-malformed`.
 */
export interface AuditClient {
  /** Every deferral that the filters admit, newest first, fetched page by page as they are consumed. */
  list(filters?: AuditFilters): AsyncIterableIterator<AuditDeferral>;
  /** The deferral resource. */
  get(id: string): Promise<DeferralResource>;
  /** The first record: what the ledger holds of the request. */
  record(id: string): Promise<unknown>;
  /** A fresh receipt. @throws SlackwaterError of a receipt that doesn't verify, where the client has verifier keys. */
  receipt(id: string): Promise<AuditReceipt>;
  /** The signed head of a resource group's ledger. @throws SlackwaterError `note-unverified`, where the client has verifier keys. */
  checkpoint(group: string): Promise<AuditCheckpoint>;
}

/** Fetches a resource under the gate's base path, as the caller's instance would. */
export type FetchResource = (
  path: string,
  params?: Readonly<Record<string, unknown>>,
) => Promise<Pick<AxiosResponse<unknown>, 'data'>>;

/** The audit client over {@link FetchResource}. */
export function auditClient(fetchResource: FetchResource, verifierKeys: readonly string[]): AuditClient {
  const get = async (id: string): Promise<DeferralResource> => {
    const { data } = await fetchResource(pathOf(id));
    if (isDeferralResource(data)) return data;
    throw malformed('the answer is no deferral resource');
  };
  return {
    list: (filters = {}) => pages(fetchResource, filters),
    get,
    record: async (id) => (await fetchResource(`${pathOf(id)}/record`)).data,
    receipt: async (id) => {
      const { data } = await fetchResource(`${pathOf(id)}/receipt`);
      const receipt = typeof data === 'string' ? data : memberOf(data, 'receipt');
      if (receipt === undefined) throw malformed('the answer is no receipt');
      const { index } = parseReceipt(receipt);
      if (verifierKeys.length === 0) return { receipt, index, verified: false };
      const entry = fromBase64(memberOf(data, 'entry') ?? (await get(id)).entry);
      if (entry === undefined) throw malformed('the entry is not base64');
      verifyReceipt(receipt, { entry, verifierKeys });
      return { receipt, index, verified: true };
    },
    checkpoint: async (group) => {
      const { data } = await fetchResource(`/ledger/${encodeURIComponent(group)}/checkpoint`);
      if (typeof data !== 'string') throw malformed('the answer is no checkpoint');
      const verified = verifierKeys.length > 0;
      const { origin, size, root } = verified ? verifyCheckpoint(data, verifierKeys) : parseCheckpoint(data);
      return { origin, size, root, text: data, verified };
    },
  };
}

async function* pages(
  fetchResource: FetchResource,
  filters: AuditFilters,
): AsyncIterableIterator<AuditDeferral> {
  let cursor = filters.cursor;
  for (;;) {
    const { data } = await fetchResource('/deferrals', { ...filters, cursor });
    if (!isRecord(data) || !Array.isArray(data['deferrals']))
      throw malformed('the answer is no page of deferrals');
    const items: readonly unknown[] = data['deferrals'];
    for (const item of items) {
      if (!isListed(item)) throw malformed('a page holds what is no deferral');
      yield item;
    }
    const next = memberOf(data, 'next');
    // A cursor that leads to itself would be asked for without end.
    if (next === undefined || next === cursor) return;
    cursor = next;
  }
}

function isListed(value: unknown): value is AuditDeferral {
  return isRecord(value) && typeof value['id'] === 'string';
}

function memberOf(value: unknown, name: string): string | undefined {
  const member = isRecord(value) ? value[name] : undefined;
  return typeof member === 'string' ? member : undefined;
}

function pathOf(id: string): string {
  if (!isDeferralId(id))
    throw new SlackwaterError('parameter-invalid', `"${id.slice(0, 40)}" is no deferral id`);
  return `/deferrals/${id}`;
}

function malformed(what: string): SlackwaterError {
  return new SlackwaterError('response-malformed', `Not what Slackwater answers: ${what}.`);
}
