import {
  type DeferralResource,
  isDeferralResource,
  isOperationReport,
  type OperationReport,
  type PromiseState,
} from '@slackwater/shared';
import { isDeferralId } from '../deferral/status-url.ts';
import { AnswerMalformedError, ParameterRefusedError } from '../errors/trust.ts';
import { loadProver } from '../proof/load-prover.ts';
import type { ReceiptBook } from '../proof/receipt-book.ts';
import type { Verification } from '../proof/verify-deferral.ts';
import { type ClientLog, traced } from '../telemetry.ts';
import { isRecord } from '../wire/json-body.ts';
import type { FetchResource } from './fetch.ts';
import { allPages, exportedLines, listIn, memberOf, type Page, pageOf } from './pages.ts';
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
} from './types.ts';

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
  /** One page of them; `next`, where there is one, is the `cursor` of the page after it. */
  page(filters?: AuditListFilters): Promise<Page<AuditDeferral>>;
  /** All of them in one answer, as they come where the platform lets them be read so. An answer that is cut off is an error at its end. */
  export(filters?: AuditListFilters): AsyncIterableIterator<AuditDeferral>;
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
  /**
   * What the ledger has of a run of an operation, by its id or that of its deferral: its chain, each attempt and result, and where it failed. With a `purpose`, once it is recorded
   * who sees them, the values in plain text; that needs the scope `audit:reveal`.
   */
  operation(id: string, query?: { readonly purpose?: string }): Promise<OperationReport>;
  /** Where the two records of a request are, and whether they agree; from the deferral, or from either record. */
  mapping(of: MappedBy): Promise<AuditMapping>;
  /** Parameters of a request in plain text, once it is recorded who sees them, and what for. Needs the scope `audit:reveal`. */
  reveal(id: string, query: RevealQuery): Promise<readonly RevealedParameter[]>;
  /** A fresh receipt. @throws SlackwaterError of a receipt that doesn't verify, where the client has verifier keys. */
  receipt(id: string): Promise<AuditReceipt>;
  /** The signed head of a resource group's ledger. @throws SlackwaterError `note-unverified`, where the client has verifier keys. */
  checkpoint(group: string): Promise<AuditCheckpoint>;
  /**
   * Proves what became of a deferral: that the very entry of the request that this client sent is in the ledger, that the ledger goes on from
   * every head that this client ever saw of it, which steps are recorded, and that the outcome has the digest that is in the ledger. Needs `verifierKeys`, and
   * of the server no more than public tiles; what the caller may not read is left out.
   *
   * @throws LedgerForkError with both heads where the ledger was rewritten; ReceiptMismatchError, AnswerMalformedError, ReceiptStoreError,
   * ParameterRefusedError.
   */
  verify(id: string): Promise<Verification>;
  /** What became of the promise to perform it or to report by its deadline, by all that can be proven of it now. Throws as `verify` does. */
  promise(id: string): Promise<PromiseState>;
}

/** What an audit client stands on. */
export interface AuditParts {
  readonly fetchResource: FetchResource;
  readonly verifierKeys: readonly string[];
  readonly book: ReceiptBook;
  readonly log: ClientLog | undefined;
}

/** The audit client over {@link AuditParts}. */
export function auditClient({ fetchResource, verifierKeys, book, log }: AuditParts): AuditClient {
  const get = async (id: string): Promise<DeferralResource> => {
    const { data } = await fetchResource(pathOf(id));
    if (isDeferralResource(data)) return data;
    throw new AnswerMalformedError('the answer is no deferral resource');
  };
  const entries = async (id: string): Promise<readonly AuditEntry[]> =>
    listIn((await fetchResource(`${pathOf(id)}/entries`)).data, 'entries', isEntry);
  const textAt = async (path: string, what: string): Promise<string> => {
    const { data } = await fetchResource(path);
    const text = typeof data === 'string' ? data : memberOf(data, what);
    if (text !== undefined) return text;
    throw new AnswerMalformedError(`the answer is no ${what}`);
  };
  const noteOf = (group: string): Promise<string> => textAt(`${ledgerPath(group)}/checkpoint`, 'checkpoint');
  const rotationsOf = async (group: string): Promise<readonly string[]> => {
    const asked = fetchResource(`${ledgerPath(group)}/rotations`);
    const { data } = await asked.catch(() => ({ data: undefined }));
    return isRecord(data) && Array.isArray(data['rotations']) ? data['rotations'] : [];
  };
  const bytesAt = async (path: string, params = {}): Promise<Uint8Array> => {
    const { data } = await fetchResource(path, { params, as: 'bytes' });
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    if (data instanceof Uint8Array) return data;
    throw new AnswerMalformedError('the answer is not bytes');
  };
  const listed = (filters: AuditListFilters) =>
    ({ path: '/deferrals', member: 'deferrals', filters: { ...filters }, isItem: isListed }) as const;
  const verify = (id: string): Promise<Verification> => {
    pathOf(id);
    const sources = {
      verifierKeys,
      book,
      deferral: get,
      entries,
      checkpoint: noteOf,
      rotations: rotationsOf,
      tile: (group: string) => (path: string) => bytesAt(`${ledgerPath(group)}/${path}`),
      outcomeRecord: (one: string) => bytesAt(`${pathOf(one)}/outcome`, { as: 'record' }),
    };
    return traced(
      log,
      'verify',
      () => ({ id }),
      async () => (await loadProver()).verifyDeferral(id, sources),
    );
  };
  return {
    deferrals: (filters = {}) => allPages(fetchResource, listed(filters)),
    page: (filters = {}) => pageOf(fetchResource, listed(filters)),
    async *export(filters = {}) {
      const asked = { params: { ...filters }, as: 'stream', accept: 'application/x-ndjson' } as const;
      yield* exportedLines((await fetchResource('/deferrals', asked)).data, isListed);
    },
    async operation(id, { purpose } = {}) {
      if (!isDeferralId(id)) throw new ParameterRefusedError(`${id} is no id of a run`);
      const params = purpose === undefined ? {} : { reveal: 'values', purpose };
      const { data } = await fetchResource(`/operations/${id}`, { params });
      if (isOperationReport(data)) return data;
      throw new AnswerMalformedError('the answer is no report of an operation');
    },
    counts: (by, filters = {}) =>
      allPages(fetchResource, {
        path: '/deferrals/counts',
        member: 'counts',
        filters: { ...filters, by: [by].flat().join(',') },
        isItem: isCount,
      }),
    entries,
    mapping: async (of) => {
      const { data } = await (typeof of === 'string'
        ? fetchResource(`${pathOf(of)}/mapping`)
        : fetchResource('/mapping', { params: of }));
      if (isMapping(data)) return data;
      throw new AnswerMalformedError('the answer is no mapping');
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
      if (receipt === undefined) throw new AnswerMalformedError('the answer is no receipt');
      const entryOf = async (): Promise<string> => memberOf(data, 'entry') ?? (await get(id)).entry;
      return await (await loadProver()).provenReceipt(receipt, entryOf, verifierKeys, book);
    },
    checkpoint: async (group) => {
      const source = { verifierKeys, checkpoint: () => noteOf(group), rotations: () => rotationsOf(group) };
      return await (await loadProver()).provenCheckpoint(source, book);
    },
    verify,
    promise: async (id) => (await verify(id)).promise,
  };
}

function ledgerPath(group: string): string {
  return `/ledger/${encodeURIComponent(group)}`;
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

function pathOf(id: string): string {
  if (isDeferralId(id)) return `/deferrals/${id}`;
  throw new ParameterRefusedError(`"${id.slice(0, 40)}" is no deferral id`);
}
