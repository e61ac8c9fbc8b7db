import type { Clock } from '../clock.ts';
import type { OpenEngine } from '../engines/engine.ts';
import type { LedgerError } from './ledger-error.ts';

/** What `openLedger` takes. Durations are milliseconds. */
export interface LedgerSetup {
  readonly engine: OpenEngine;
  readonly clock: Clock;
  readonly application: string;
  readonly group: string;
  /**
   * Name of the log in its checkpoints; without spaces and plus signs, at most 255 characters. Default: made from
   * application, group and key when the keys are made. Refused with `ledger-keys-differ` where the ledger has another.
   */
  readonly origin?: string | undefined;
  /** How long outcomes and Idempotency-Keys are kept, and all that is stored of a deferral once it is settled. Default 7 days. */
  readonly keepOutcomeMs?: number;
  /** From how many unsettled deferrals on the answer is `queue-full`. Default 1,000,000. */
  readonly maxQueued?: number;
  /** How long a call waits for the engine. Default 1,000. */
  readonly engineTimeoutMs?: number;
  /** How often states and queue are compared with the log, and how far is noted for the next start. Default 10,000. */
  readonly recoverEveryMs?: number;
  /**
   * Which parameters of a request are sealed by themselves, so that each can be read alone: all, or those of a list
   * (`docs/keys.md`). Everything else is encrypted too, together. Default `all`.
   */
  readonly encrypt?: 'all' | readonly string[];
  /** How long a requester's key is used after it was read: so soon all hosts stop using one that was destroyed. Default 5,000. */
  readonly keyCacheMs?: number;
  /** Opens a copy that still lacks something, to finish it. Default false: such a one is refused. */
  readonly finishingCopy?: boolean;
  /** Hears once of what ended the group: from then on every acceptance and step rejects with it. */
  readonly onStop?: (error: LedgerError) => void;
  /** Hears of each time that the comparison with the log failed; it is tried again. */
  readonly onRecoveryFailed?: (error: unknown) => void;
}
