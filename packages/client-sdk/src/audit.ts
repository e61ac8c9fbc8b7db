import {
  type Checkpoint,
  type DeferralResource,
  fromBase64,
  isDeferralResource,
  isSlackwaterError,
  parseCheckpoint,
  parseReceipt,
  verifyCheckpoint,
  verifyReceipt,
  walkRotations,
} from '@slackwater/shared';
import type { AxiosResponse } from 'axios';
import type {
  AuditCheckpoint,
  AuditCount,
  AuditDeferral,
  AuditDimension,
  AuditEntry,
  AuditFilters,
  AuditListFilters,
  AuditMapping,
  AuditReceipt,
  MappedBy,
  RevealedParameter,
  RevealQuery,
} from './audit-types.ts';
import { isDeferralId } from './deferral/status-url.ts';
import { AnswerMalformedError, ParameterRefusedError } from './errors/trust.ts';
import { isRecord } from './wire/json-body.ts';

/**
 * Questions to the ledger. They need a token with the scope `audit:read`, sent as the caller's instance sends its credentials. Errors
 * are the AxiosErrors of the answers, and AnswerMalformedError.
 */
export interface AuditClient {
  /**
   * Every deferral that the filters admit, newest first, fetched page by page as they are consumed: what was there at the first page,
   * each once.
   */
  deferrals(filters?: AuditListFilters): AsyncIterableIterator<AuditDeferral>;
  /** How many deferrals there are, by one dimension or by several at once, fetched page by page as they are consumed. */
  counts(
    by: AuditDimension | readonly AuditDimension[],
    filters?: AuditFilters,
  ): AsyncIterableIterator<AuditCount>;
  /** The deferral resource. */
  get(id: string): Promise<DeferralResource>;
  /** The first record: what the ledger holds of the request. */
  record(id: string): Promise<unknown>;
  /** Every entry of the ledger about a deferral, in their order. */
  entries(id: string): Promise<readonly AuditEntry[]>;
  /** Where the two records of a request are, and whether they agree; from the deferral, or from either record. */
  mapping(of: MappedBy): Promise<AuditMapping>;
  /** Parameters of a request in plain text, once it is recorded who sees them, and what for. Needs the scope `audit:reveal`. */
  reveal(id: string, query: RevealQuery): Promise<readonly RevealedParameter[]>;
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
    deferrals: (filters = {}) => pages(fetchResource, '/deferrals', filters, 'deferrals', isListed),
    counts: (by, filters = {}) =>
      pages(fetchResource, '/deferrals/counts', { ...filters, by: [by].flat().join(',') }, 'counts', isCount),
    entries: async (id) => listIn((await fetchResource(`${pathOf(id)}/entries`)).data, 'entries', isEntry),
    mapping: async (of) => {
      const { data } = await (typeof of === 'string'
        ? fetchResource(`${pathOf(of)}/mapping`)
        : fetchResource('/mapping', of));
      if (isMapping(data)) return data;
      throw malformed('the answer is no mapping');
    },
    reveal: async (id, { parameters, purpose }) => {
      const asked = [...parameters.map((name) => ['reveal', name]), ['purpose', purpose]];
      const { data } = await fetchResource(`${pathOf(id)}/record?${new URLSearchParams(asked)}`);
      return listIn(data, 'revealed', isRevealed);
    },
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
      const { origin, size, root } = verified
        ? await verifiedHead(fetchResource, group, data, verifierKeys)
        : parseCheckpoint(data);
      return { origin, size, root, text: data, verified };
    },
  };
}

/** The head that one of the keys signed, or one that they lead to: the signing key may have been changed since. */
async function verifiedHead(
  fetchResource: FetchResource,
  group: string,
  text: string,
  verifierKeys: readonly string[],
): Promise<Checkpoint> {
  try {
    return verifyCheckpoint(text, verifierKeys);
  } catch (error) {
    if (!isSlackwaterError(error) || error.code !== 'note-unverified') throw error;
    const path = `/ledger/${encodeURIComponent(group)}/rotations`;
    const { data } = await fetchResource(path).catch(() => ({ data: undefined }));
    const rotations = isRecord(data) && Array.isArray(data['rotations']) ? data['rotations'] : [];
    return verifyCheckpoint(text, walkRotations(verifierKeys, rotations).met);
  }
}

async function* pages<Item>(
  fetchResource: FetchResource,
  path: string,
  { cursor: from, ...filters }: { readonly cursor?: string; readonly by?: string },
  member: string,
  isItem: (value: unknown) => value is Item,
): AsyncIterableIterator<Item> {
  let cursor = from;
  for (;;) {
    const { data } = await fetchResource(path, { ...filters, cursor });
    yield* listIn(data, member, isItem);
    const next = memberOf(data, 'next');
    // A cursor that leads to itself would be asked for without end.
    if (next === undefined || next === cursor) return;
    cursor = next;
  }
}

function listIn<Item>(
  data: unknown,
  member: string,
  isItem: (value: unknown) => value is Item,
): readonly Item[] {
  const items = isRecord(data) ? data[member] : undefined;
  if (!Array.isArray(items)) throw malformed(`the answer has no list of ${member}`);
  if (!items.every(isItem)) throw malformed(`something among its ${member} is none`);
  return items;
}

function isListed(value: unknown): value is AuditDeferral {
  return memberOf(value, 'id') !== undefined;
}

function isCount(value: unknown): value is AuditCount {
  return memberOf(value, 'value') !== undefined && isRecord(value) && typeof value['count'] === 'number';
}

function isEntry(value: unknown): value is AuditEntry {
  return memberOf(value, 'entry') !== undefined && isRecord(value) && typeof value['position'] === 'number';
}

function isRevealed(value: unknown): value is RevealedParameter {
  return memberOf(value, 'name') !== undefined;
}

function isMapping(value: unknown): value is AuditMapping {
  if (!isRecord(value) || memberOf(value, 'id') === undefined) return false;
  const { first, second } = value;
  return memberOf(first, 'digest') !== undefined && memberOf(second, 'state') !== undefined;
}

function memberOf(value: unknown, name: string): string | undefined {
  const member = isRecord(value) ? value[name] : undefined;
  return typeof member === 'string' ? member : undefined;
}

function pathOf(id: string): string {
  if (!isDeferralId(id)) throw new ParameterRefusedError(`"${id.slice(0, 40)}" is no deferral id`);
  return `/deferrals/${id}`;
}

function malformed(what: string): AnswerMalformedError {
  return new AnswerMalformedError(what);
}
