/** The performer's settings; each has a default. */
export interface PerformerOptions {
  /** How often a route is tried before its deferral fails; 1 or more. Default 10. */
  readonly maxAttempts: number;
  /**
   * How long an item stays with a process that does not say it is alive; it is prolonged at a third of this.
   * A process that was killed leaves its items to wait for the rest of it. Default 30,000.
   */
  readonly leaseMs: number;
  /** How long a route may take, and how long the database may take to be asked about it. Default 30,000. */
  readonly attemptTimeoutMs: number;
  /** The longest body of an outcome that is kept. Default 1 MiB. */
  readonly maxOutcomeBytes: number;
  /** The longest wait before the second attempt; it doubles with each. Default 1,000. */
  readonly retryBaseMs: number;
  /** The longest wait between two attempts. Default 300,000. */
  readonly retryCapMs: number;
  /**
   * How many deferrals of one partition are performed at once, once that has gone well. Twice as many are claimed besides, to
   * be made ready or recorded. Default 8.
   */
  readonly maxConcurrency: number;
  /** How many deferrals this process performs at once. Default 64. */
  readonly maxInFlight: number;
  /**
   * How often the queue is asked for what other processes put on it, and how often at most an item of a
   * partition that is held is recorded as postponed. Default 1,000.
   */
  readonly lookEveryMs: number;
  /**
   * The longest time for which a postponed item is left alone, and between two records of its being postponed; it doubles
   * from `lookEveryMs`. Default 30,000.
   */
  readonly lookCapMs: number;
  /**
   * How long a deferral whose route this process does not know is left to other hosts, which may, before it is parked. 0 parks
   * it at once. Default 600,000.
   */
  readonly routeMissingForMs: number;
  /**
   * What becomes of a deferral whose last attempt failed: `fail` tells its caller so, for good; `park` keeps it to be looked at and
   * redriven. Default `fail`.
   */
  readonly whenExhausted: 'fail' | 'park';
  /**
   * How long a part of a request that is performed at once waits for word of how that ended, where the process that performs it says
   * nothing: a request may not take longer. Default 120,000.
   */
  readonly holdPartsMs: number;
  /** How long `close` waits for attempts under way before it ends them. Default 10,000. */
  readonly closeWithinMs: number;
}

export const performerDefaults: PerformerOptions = {
  maxAttempts: 10,
  leaseMs: 30_000,
  attemptTimeoutMs: 30_000,
  maxOutcomeBytes: 1024 * 1024,
  retryBaseMs: 1_000,
  retryCapMs: 300_000,
  maxConcurrency: 8,
  maxInFlight: 64,
  lookEveryMs: 1_000,
  lookCapMs: 30_000,
  routeMissingForMs: 600_000,
  whenExhausted: 'fail',
  holdPartsMs: 120_000,
  closeWithinMs: 10_000,
};
