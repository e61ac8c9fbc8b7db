import type { Engine } from '../engines/engine.ts';
import type { LedgerOptions } from './ledger-options.ts';

/** One resource group: a ledger with keys, store and queue of its own. What is left out is as the gate says. */
export interface ResourceGroupOptions {
  /** Where its ledger lives, and whose keys it has. Default none; then the gate's `engine`, in names of its own there. */
  readonly engine?: Engine;
  /** What its ledger keeps, and for how long. Default `{}`; then what the gate's `ledger` says, its `origin` excepted. */
  readonly ledger?: LedgerOptions;
}
