/** What the ledger keeps, and for how long. */
export interface LedgerOptions {
  /** Whether anybody may read checkpoint and blocks; else `audit:read` is needed. Default true. */
  readonly public?: boolean;
  /** Name of the log in its checkpoints. Default none; then it is made from application, group and key. */
  readonly origin?: string;
  /** How long outcomes and idempotency keys are kept, and what is stored of a settled deferral, ms. Default 7 days. */
  readonly keepOutcomeMs?: number;
  /** From how many unsettled deferrals on nothing more is deferred. Default 1,000,000. */
  readonly maxQueued?: number;
  /** How long a call waits for the engine, ms. Default 1,000. */
  readonly engineTimeoutMs?: number;
  /**
   * Where the index for audits is kept between runs, a directory on a local disk. Default none; then where the engine keeps files
   * of this host, else in a temporary file that is made again at each start.
   */
  readonly indexDirectory?: string;
  /**
   * Which parameters of a request are sealed by themselves, so that an auditor can be shown one alone: `all`, or a list such as
   * `['body /card', 'header x-tenant', 'query voucher']`. Everything else is encrypted too, in one piece. Default `all`.
   */
  readonly encrypt?: 'all' | readonly string[];
}

/** What {@link LedgerOptions} are where they are left out. */
export const ledgerDefaults = {
  public: true,
  keepOutcomeMs: 7 * 24 * 3_600_000,
  maxQueued: 1_000_000,
  engineTimeoutMs: 1_000,
  encrypt: 'all',
} as const satisfies LedgerOptions;
