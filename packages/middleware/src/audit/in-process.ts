import { type OperationReport, SlackwaterError } from '@slackwater/shared';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { RunReveal } from '../ledger/operation-records.ts';
import type { GateAudit, GateLedger } from '../options/gate.ts';
import type { AuditIndex } from './index/audit-index.ts';

const usualLimit = 100;
const usualWaitMs = 60_000;
const mostCharacters = 1_000;

type EraseByName = (
  requester: string,
  asked: { readonly by: string; readonly purpose: string },
  waitMs: number,
) => ReturnType<GateLedger['eraseRequester']>;

function checkTexts(texts: Readonly<Record<string, unknown>>): void {
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text === 'string' && text !== '' && text.length <= mostCharacters) continue;
    throw new SlackwaterError(
      'parameter-invalid',
      `${name}: give a text of 1 to ${mostCharacters} characters.`,
    );
  }
}

/** The ledger's signed side for the application itself; `open` rejects where there is none. */
export function ledgerInProcess(open: () => Promise<Ledger>, erase: EraseByName): GateLedger {
  return {
    async eraseRequester(requester, { by = 'application', purpose, waitMs = usualWaitMs }) {
      checkTexts({ requester, by, purpose });
      return erase(requester, { by: `code:${by}`, purpose }, waitMs);
    },
    verifierKey: async () => (await open()).verifierKey,
    checkpoint: async () => (await open()).checkpoint(),
    block: async (height) => (await open()).block(height),
    open,
  };
}

/** Queries and verification for the application itself; both reject where there is no ledger. */
export function auditInProcess(
  open: () => Promise<Ledger>,
  index: () => Promise<Pick<AuditIndex, 'list' | 'counts' | 'entriesOf'>>,
  report: (id: string, reveal?: RunReveal) => Promise<OperationReport | undefined>,
): GateAudit {
  return {
    deferrals: async (query = {}) => (await index()).list({ limit: usualLimit, ...query }),
    counts: async (query) => (await index()).counts({ limit: usualLimit, ...query }),
    async entries(id) {
      const positions = await (await index()).entriesOf(id);
      return (await open()).entriesAt(positions);
    },
    async mapping(id) {
      const [position] = await (await index()).entriesOf(id);
      return position === undefined ? undefined : (await open()).mapping(position);
    },
    operation: async (id, reveal) =>
      report(id, reveal && { by: `code:${reveal.by}`, purpose: reveal.purpose }),
    reveal: async (id, { by, ...request }) => (await open()).reveal(id, { ...request, by: `code:${by}` }),
    proof: async (id) => (await open()).proof(id),
    verify: async (oldCheckpoint) => (await open()).verify(oldCheckpoint),
  };
}
