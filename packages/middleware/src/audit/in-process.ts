import type { Ledger } from '../ledger/open-ledger.ts';
import type { GateAudit, GateLedger } from '../options/gate.ts';
import type { AuditIndex } from './index/audit-index.ts';

const usualLimit = 100;

/** The ledger's signed side for the application itself; `open` rejects where there is none. */
export function ledgerInProcess(open: () => Promise<Ledger>): GateLedger {
  return {
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
    reveal: async (id, { by, ...request }) => (await open()).reveal(id, { ...request, by: `code:${by}` }),
    proof: async (id) => (await open()).proof(id),
    verify: async (oldCheckpoint) => (await open()).verify(oldCheckpoint),
  };
}
