import { resolve } from 'node:path';
import { type AuditIndex, openAuditIndex } from '../audit/index/audit-index.ts';
import type { IndexFilter, IndexStatus } from '../audit/index/contract.ts';
import { indexPath } from '../audit/index/index-path.ts';
import type { Clock } from '../clock.ts';
import { readIdentity } from '../ledger/identity.ts';
import type { OpenRecords } from '../ledger/keep-open.ts';
import type { ResolvedOptions } from '../options/resolved.ts';

/** Queries over one ledger's index; requesters may be named in the application's own words. */
export interface AuditDesk extends Pick<AuditIndex, 'list' | 'counts' | 'entriesOf'> {
  /** Undefined while there is no index. */
  status(): IndexStatus | undefined;
  close(): Promise<void>;
}

/** What the desk goes by. */
export type AuditDeskOptions = Pick<ResolvedOptions, 'application' | 'auth'> & {
  readonly group: string;
  readonly ledger: Pick<ResolvedOptions['ledger'], 'indexDirectory' | 'engineTimeoutMs'>;
};

/**
 * Keeps the index of an open ledger, from now on where there are auditors (`auth`), else from the first question on: who asks
 * nothing pays nothing.
 */
export function auditDesk(
  { application, group, auth, ledger: { indexDirectory, engineTimeoutMs } }: AuditDeskOptions,
  { engine, ledger }: OpenRecords,
  clock: Clock,
  trouble: (doing: string, error: unknown) => void,
): AuditDesk {
  let opening: Promise<AuditIndex> | undefined;
  let current: AuditIndex | undefined;
  let isClosed = false;

  async function begin(): Promise<AuditIndex> {
    const identity = await readIdentity(engine.store);
    const directory = indexDirectory ?? engine.localDirectory;
    current = openAuditIndex({
      log: engine.log,
      clock,
      path: directory === undefined ? '' : indexPath(resolve(directory), application, group),
      ledger: `${identity?.origin} ${identity?.fingerprint}`,
      waitMs: engineTimeoutMs,
      onTrouble: (error) => trouble('keeping the index of the ledger', error),
    });
    if (isClosed) await current.close();
    return current;
  }

  function open(): Promise<AuditIndex> {
    if (opening === undefined) {
      const attempt = begin();
      opening = attempt;
      attempt.catch(() => {
        if (opening === attempt) opening = undefined;
      });
    }
    return opening;
  }

  async function named<Query extends Pick<IndexFilter, 'requester'>>(query: Query): Promise<Query> {
    const { requester } = query;
    if (requester === undefined) return query;
    return { ...query, requester: (await ledger.pseudonymOf(requester)) ?? requester };
  }

  if (auth !== undefined) open().catch((error: unknown) => trouble('opening the index of the ledger', error));

  return {
    list: async (query) => (await open()).list(await named(query)),
    counts: async (query) => (await open()).counts(await named(query)),
    entriesOf: async (id) => (await open()).entriesOf(id),
    status: () => current?.status(),
    async close() {
      isClosed = true;
      await opening?.catch(() => {});
      await current?.close();
    },
  };
}
