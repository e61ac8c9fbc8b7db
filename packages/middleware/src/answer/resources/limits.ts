/** Bounds of the gate's own resources. Durations are milliseconds. */
export const resourceLimits = {
  /** The longest wait that `Prefer: wait` gets. */
  waitMs: 60_000,
  /** Requests that are held open at once: long polls, event streams and exports. */
  heldOpen: 1_000,
  /** How often a deferral that is waited for is looked at, should another process settle it. */
  lookEveryMs: 2_000,
  /** How long one event stream goes on; its reader connects again. */
  streamMs: 300_000,
  /** How often a silent event stream says that it is alive. */
  heartbeatMs: 15_000,
  /** How long `requester`, the opening of the ledger, and `health` are waited for. */
  askMs: 5_000,
  /** How long a cancellation is waited for; it may have to ask the database. */
  cancelMs: 20_000,
  /** How long erasing a requester is waited for; it goes on without whoever asked. */
  eraseMs: 15_000,
  /** How long the body of a request may take to come. */
  bodyMs: 10_000,
  bodyBytes: 16 * 1_024,
  /** The inputs that an operation is given in one request; a label and its quotes go beside the most that a value may have. */
  inputsBytes: 1_049_600,
  /** A definition of an operation. */
  definitionBytes: 262_144,
  /** Deferrals on one page. */
  pageDefault: 100,
  pageMost: 1_000,
  /** Characters of a filter's value. */
  filterCharacters: 1_024,
  capabilityCharacters: 256,
  /** Characters of a requester's name, and of the purpose that something is done for. */
  requesterCharacters: 1_000,
  purposeCharacters: 500,
  /** The Retry-After of a resource that can't answer now. */
  troubleRetryMs: 2_000,
} as const;
