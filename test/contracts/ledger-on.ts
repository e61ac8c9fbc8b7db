import type { Clock } from '../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../packages/middleware/src/engines/engine.ts';
import type { LedgerSetup } from '../../packages/middleware/src/ledger/ledger-setup.ts';
import { type Ledger, openLedger } from '../../packages/middleware/src/ledger/open-ledger.ts';
import { scope } from './engine-under-test.ts';

/** So long a ledger of the suite waits for a machine that is busy. */
export const patientMs = 30_000;

/** Opens a ledger on an engine as a host that is given its keys does; `keys` is asked whenever the ledger reads them. */
export function ledgerOn(
  engine: OpenEngine,
  keys: () => Uint8Array,
  clock: Clock,
  more: Partial<LedgerSetup> = {},
): Promise<Ledger> {
  return openLedger({
    ...scope,
    engine: { ...engine, keyFile: async () => keys() },
    clock,
    engineTimeoutMs: patientMs,
    recoverEveryMs: 3_600_000,
    ...more,
  });
}
